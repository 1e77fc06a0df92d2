"""What a command finds around it: its own program's, or that of one that handed it over."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from capsule.cli.terminal.console import Console


class Context(NamedTuple):
    """Where output goes, where input comes from, and what names mean.

    `stdin` is None where it is closed, `working` None where the working folder is gone.
    """

    console: Console
    stdin: BinaryIO | None
    working: Path | None
    environ: Mapping[str, str]

    def working_folder(self) -> Path:
        """Return the working folder. Raises `UsageError` when it is gone."""
        if self.working is None:
            raise UsageError("the working folder is gone", hint="cd to one that is there")
        return self.working


def of_this_program(console: Console) -> Context:
    """Return what surrounds this program."""
    try:
        working = Path.cwd()
    except FileNotFoundError:
        working = None
    stdin = None if sys.stdin is None else sys.stdin.buffer
    return Context(console, stdin, working, os.environ)
