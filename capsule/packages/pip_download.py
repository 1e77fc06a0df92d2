"""Ask the user's own pip for wheels: each name by itself, since pip does not know the sandbox.

pip would follow what a wheel requires as it is for the Python that runs pip, and would run code of
what lies at an address. So it is never let: what is needed is worked out here, round by round.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from packaging.utils import canonicalize_name

from capsule.errors import ToolchainError, UsageError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.packages import index_diagnosis, python_fallbacks
from capsule.packages.target import PYTHON_SERIES
from capsule.packages.wheel import MOST_BYTES
from capsule.toolstore import files, run_program
from capsule.toolstore.pip_runner import NoPipError, download_arguments, run_pip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packaging.requirements import Requirement

    from capsule.toolstore.pip_runner import Means

_NOTHING_FOUND = re.compile(r"No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)")
# Some pips call it a conflict when none of a package's files is for the sandbox.
_NO_CANDIDATE = re.compile(
    r"Cannot install ([A-Za-z0-9][A-Za-z0-9._-]*?)(?:[=<>!~]\S*)? because these package versions"
)
# What pips of all ages, and what they are built of, say when nobody answers.
_UNREACHABLE = re.compile(
    r"connection broken by|connection error|connection timed out|max retries exceeded"
    r"|name or service not known|name resolution|getaddrinfo failed|network is unreachable"
    r"|connection refused|connecttimeout|readtimeout|newconnectionerror|proxyerror"
    r"|problem confirming the ssl certificate|failed to fetch|cannot connect to proxy",
    re.IGNORECASE,
)
_SETTINGS = "look at the network, and at pip's settings for index and proxy"


class NothingFoundError(Exception):
    """Raised when the index has nothing for a name that pip may take; carries the name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class PipDownloader(NamedTuple):
    """Where wheels come from: a way to run pip, a folder to work in, and who watches."""

    means: Means
    folder: Path
    tell: Callable[[], None]

    def fetch(self, asked: Sequence[Requirement]) -> list[Path]:
        """Download a wheel for each of `asked`, and nothing that they require.

        Raises `NothingFoundError`, `ToolchainError` when the index cannot be reached or no pip can
        be run, and `UsageError` when it is too much.
        """
        target = self._new_folder()
        outcome = self._run(download_arguments(target, python=PYTHON_SERIES), asked)
        if outcome.status == 0:
            return sorted(target.glob("*.whl"))
        names = ", ".join(str(each) for each in asked)
        said = printable(run_program.tail(_complaint(outcome.stderr)) or "it gave no reason")
        if line := _unreachable(outcome.stderr):
            raise ToolchainError(
                f"the package index could not be reached to look for {names}: {line}",
                hint=f"{_SETTINGS}; what a task has had once needs no index",
            )
        nothing = _NOTHING_FOUND.search(outcome.stderr) or _NO_CANDIDATE.search(outcome.stderr)
        known = {each.name for each in asked}
        if nothing and (name := canonicalize_name(nothing[1].rstrip(".-_"))) in known:
            raise NothingFoundError(name)
        if answer := index_diagnosis.answered(outcome.stderr):
            raise ToolchainError(
                f"the package index did not give {names}: {answer}",
                hint=index_diagnosis.settings_hint(outcome.stderr),
            )
        raise ToolchainError(
            f"pip could not download {names} (exit status {outcome.status}): {said}",
            hint=_SETTINGS,
        )

    def fetch_foreign(self, asked: Requirement) -> Path | None:
        """Download a wheel for a particular machine, None where there is none.

        Raises `ToolchainError` when no pip can be run, and `UsageError` when it is too much.
        """
        target = self._new_folder()
        arguments = download_arguments(
            target,
            platform=python_fallbacks.PLATFORM,
            python=python_fallbacks.PYTHON,
            tags=python_fallbacks.TAGS,
        )
        self._run(arguments, (asked,))
        return next(iter(target.glob("*.whl")), None)

    def log(self, asked: Requirement) -> run_program.ProgramResult:
        """Ask for one name again, and have pip tell about each file that it looks at."""
        arguments = download_arguments(self._new_folder(), "-vv", python=PYTHON_SERIES)
        return self._run(arguments, (asked,))

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="asked-", dir=self.folder))

    def _run(
        self, arguments: Sequence[str], asked: Iterable[Requirement]
    ) -> run_program.ProgramResult:
        scratch = self.folder / "partial"
        scratch.mkdir(exist_ok=True)
        arguments = [*arguments, *map(str, asked)]
        try:
            _, result = run_pip(self.means, arguments, scratch, self._watch, plain=True)
        except NoPipError as absent:
            raise ToolchainError(
                "no pip and no uv is there to fetch the packages of the task"
                + (f" ({printable(str(absent))})" if str(absent) else ""),
                hint="install pip or uv",
            ) from None
        self._watch()
        return result

    def _watch(self) -> None:
        self.tell()
        if sum(files.sizes(self.folder)) > MOST_BYTES:
            raise UsageError(
                f"the packages of the task are over {MOST_BYTES >> 20} MB", hint="depend on less"
            )


def _complaint(said: str) -> str:
    """Return the lines in which pip says why it failed, without what it says besides."""
    lines = [line for line in said.splitlines() if not line.startswith("WARNING: ")]
    return "\n".join(lines) if any(map(str.strip, lines)) else said


def _unreachable(said: str) -> str | None:
    """Return the line, if any, in which pip says that nobody answered."""
    line = next((line for line in said.splitlines() if _UNREACHABLE.search(line)), None)
    return None if line is None else printable(run_program.tail(line, 1))
