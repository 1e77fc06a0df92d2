"""Why an index has nothing for a name: from what pip says of each file that it looks at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from capsule.errors import CapsuleError, ToolchainError, UsageError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.packages.target import PYTHON
from capsule.toolstore import run_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.requirements import Requirement
    from packaging.version import Version

_LINE = re.compile(
    r"(?:(?P<found>Found link)"
    r"|Skipping link: (?:"
    r"(?P<native>none of the wheel's tags.*? are compatible)"
    r"|(?P<sources>No sources permitted for )"
    r"|\S+ Requires-Python (?P<python>[^:]*)))"
    r".*?/(?P<file>[^/#?\s]+\.(?:whl|tar\.gz|zip|tar\.bz2|tgz))(?=[,#?\s]|$)"
)

# Anything but the plain answer that there is no such package.
_TROUBLE = re.compile(r"Could not fetch URL (\S+): (?!404 )(.*) - skipping")
# What an index answers, in the words of pip's library, and how pip puts it for a file.
_STATUS = re.compile(
    r"(?P<status>\d{3}) (?:Client|Server) Error(?:: (?P<reason>.*?))? for url"
    r"|HTTP error (?P<code>\d{3}) while getting (?P<url>\S+)"
)
_REFUSALS = {"401", "403", "407"}

Kind = Literal["found", "native", "sources", "python"]


class NativePackageError(UsageError):
    """Raised when an index has nothing of a package that the sandbox can run; carries its name."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message, hint="use a package of pure Python in its place")
        self.name = name


class File(NamedTuple):
    """A file of the index, and why pip leaves it out; `detail` goes with `kind`."""

    version: Version
    kind: Kind
    detail: str


def files_in(log: str, name: str) -> list[File]:
    """Return the files of the distribution `name` that a log of `pip -vv` tells of."""
    return [
        File(version, kind, detail)
        for line in log.splitlines()
        if (match := _LINE.search(line))
        and (version := _version(unquote(match["file"]), name)) is not None
        for kind, detail in [_kind(match)]
    ]


def reason(asked: Requirement, needed_by: str, outcome: run_program.ProgramResult) -> CapsuleError:
    """Return the error for a name that pip found nothing for, given its log.

    `needed_by` says who asked for it, as messages do.
    """
    label = f"{asked.name} ({needed_by})"
    known = files_in(outcome.stdout, asked.name)
    if not known:
        return _nothing_known(label, outcome)
    fitting = [file for file in known if asked.specifier.contains(file.version, prereleases=True)]
    stable = any(not file.version.is_prerelease for file in fitting)
    if not fitting:
        newest = ", ".join(str(each) for each in sorted({file.version for file in known})[-3:])
        return UsageError(
            f"no version of {label} is {printable(str(asked.specifier))}; the newest are {newest}",
            hint="ask for one of these, or for another version of what needs it",
        )
    # The newest tells how the package is made today, and one that is out before one that is not.
    version = max(file.version for file in fitting if not file.version.is_prerelease or not stable)
    kinds = {file.kind: file.detail for file in fitting if file.version == version}
    return _of_kinds(asked.name, f"{asked.name} {version} ({needed_by})", kinds, outcome)


def answered(said: str) -> str | None:
    """Return what pip says that an index answered, in plain words; None where it says no such.

    >>> answered("ERROR: HTTP error 403 while getting https://host/a.whl")
    'it answered 403, which refuses'
    """
    if (match := _STATUS.search(said)) is None:
        return None
    status = match["status"] or match["code"]
    reason = f" {printable(match['reason'])}" if match["reason"] else ""
    refuses = ", which refuses" if status in _REFUSALS else ""
    return f"it answered {status}{reason}{refuses}"


def settings_hint(said: str) -> str:
    """Return what to look at when an index answered what it should not."""
    match = _STATUS.search(said)
    status = match and (match["status"] or match["code"])
    if status in _REFUSALS:
        return "look at the credentials that pip has for the index, and at its proxy"
    if status and status.startswith("5"):
        return "try again later: the index itself is in trouble"
    return "look at pip's settings for index, proxy and credentials"


def _nothing_known(label: str, outcome: run_program.ProgramResult) -> CapsuleError:
    if trouble := _TROUBLE.search(outcome.stdout):
        address, said = printable(trouble[1]), trouble[2]
        return ToolchainError(
            f"the package index did not say whether it has {label}: asked for {address}, "
            f"{answered(said) or printable(said)}",
            hint=settings_hint(said),
        )
    return UsageError(
        f"the package index has no package {label}",
        hint="see how the name is written, and whether pip may ask an index at all (PIP_NO_INDEX)",
    )


def _of_kinds(
    name: str, label: str, kinds: Mapping[Kind, str], outcome: run_program.ProgramResult
) -> CapsuleError:
    """Return the error for a version that pip leaves out, from what kinds of files it has."""
    if "found" in kinds:
        said = printable(run_program.tail(outcome.stderr))
        return ToolchainError(
            f"pip found {label} and could not take it: {said}",
            hint="look at pip's settings for the index",
        )
    if "python" in kinds:
        return UsageError(
            f"{label} needs Python {printable(kinds['python'])}, and the sandbox has {PYTHON}",
            hint="ask for another version",
        )
    if "native" in kinds:
        return NativePackageError(
            f"{label} needs a native extension: it has only wheels for particular machines", name
        )
    return UsageError(
        f"{label} is there only as sources, and building them would run their code on this machine",
        hint="use a package that has a wheel, or put its modules next to the task file",
    )


def _kind(match: re.Match[str]) -> tuple[Kind, str]:
    if match["found"]:
        return "found", ""
    if match["native"]:
        return "native", unquote(match["file"])
    if match["sources"]:
        return "sources", ""
    return "python", match["python"].strip()


def _version(file: str, name: str) -> Version | None:
    """Return the version in a file name, None when it is another's file or cannot be read."""
    try:
        if file.endswith(".whl"):
            found, version = parse_wheel_filename(file)[:2]
        else:
            # Other archives than these are of the time before there were rules for their names.
            stem = re.sub(r"\.(tar\.bz2|tgz)$", ".tar.gz", file)
            found, version = parse_sdist_filename(stem)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return version if found == name else None
