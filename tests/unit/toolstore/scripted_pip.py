"""A pip that does what a test says, and two ways to call it."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from capsule.toolstore import pip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capsule.toolstore import run_program

FIRST = pip.Pip("first", ("/opt/first/pip",))
SECOND = pip.Pip("second", ("/opt/second/uv", "pip"), uv=True)


class Script:
    """A pip that does what a test says: for each run an outcome, or an error, and a file."""

    def __init__(
        self,
        *outcomes: run_program.ProgramResult | OSError,
        brings: Mapping[str, bytes] = MappingProxyType({}),
    ) -> None:
        self.outcomes = list(outcomes)
        self.brings = brings
        self.runs: list[list[str]] = []
        self.environs: list[dict[str, str]] = []

    def __call__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        watch: run_program.Watch | None = None,
    ) -> run_program.ProgramResult:
        self.runs.append(list(argv))
        self.environs.append(dict(environ))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        folder = Path(argv[argv.index("--dest") + 1])
        for name, content in self.brings.items():
            # As pip does: a part in the temporary folder, then the whole.
            partial = Path(environ["TMPDIR"], name)
            partial.write_bytes(content[: len(content) // 2])
            if watch:
                watch()
            partial.write_bytes(content)
            partial.rename(folder / name)
        if watch and not self.brings:
            watch()
        return outcome
