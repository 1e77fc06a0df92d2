"""Reading a source that may be costly to parse, in a process of its own.

Python's parser holds the interpreter's lock until it is done, and no bound on a text says for
certain what it takes. So it takes it elsewhere, where it can be limited and ended.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer

import capsule
from capsule.child_process.program_tie import ProgramTie
from capsule.errors import GivenUpError, PolicyError, TooCostlyError, UsageError
from capsule.message_text import printable
from capsule.policy.declaration_types import decode
from capsule.runner.literal_codec import unpack
from capsule.runner.parser_main import NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from typing import Any

    from capsule.policy.declaration_types import Declarations
    from capsule.process.cancel import Cancellation

# The largest source that is read at all takes 5 s and 550 MB.
MAX_MEMORY = 1 << 30
MAX_SECONDS = 30
# A machine that is busy gives the process a part of a processor.
_PATIENCE = 3
_MAX_ANSWER = 2 << 20

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from capsule.runner.parser_main import main; main()"
)
# What a Python may need to start at all.
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH", "SYSTEMROOT")


def too_costly(filename: str) -> TooCostlyError:
    """Return the error for a source that takes more than the budget."""
    return TooCostlyError(
        f"{printable(filename)}: reading it, and what it imports, takes more than"
        f" {MAX_SECONDS} s or {MAX_MEMORY >> 20:,} MB",
        hint="split it into modules, and keep data in files of a package beside it",
    )


class Findings:
    """What the process said of one source; the questions are those of `SourceAnalysis`.

    Each raises `CapsuleError` where the source is not what it has to be.
    """

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = said
        self.seconds = float(said["seconds"])

    def __repr__(self) -> str:
        return f"<Findings after {self.seconds:.2f} s>"

    def imports(self, filename: str) -> Sequence[str]:
        """Return the names that the source imports."""
        names = self._found("imports", filename)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise too_costly(filename)
        return names

    def declarations(self, filename: str) -> Declarations:
        """Return what the source declares."""
        try:
            return decode(unpack(self._found("declared", filename)), printable(filename))
        except (TypeError, ValueError, LookupError, AttributeError):
            raise too_costly(filename) from None

    def _found(self, what: str, filename: str) -> Any:
        told = self._said[what]
        if "found" in told:
            return told["found"]
        kind = PolicyError if told["code"] == PolicyError.code else UsageError
        name = printable(filename)
        hint = told["hint"] and str(told["hint"]).replace(NAME, name)
        raise kind(str(told["message"]).replace(NAME, name), hint=hint)


def can_start() -> bool:
    """Say whether this is a Python that can be started again, and no program with one inside."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def read(
    source: bytes, filename: str, seconds: float, cancellation: Cancellation | None
) -> Findings:
    """Read a source in a process of its own, within so many seconds of the processor.

    Raises `TooCostlyError`, and `GivenUpError` when cancelled.
    """
    if seconds < 1:
        raise too_costly(filename)
    said = _said(source, seconds, cancellation)
    if cancellation is not None and cancellation.cancelled:
        raise GivenUpError("reading the source was cancelled")
    if len(said) > _MAX_ANSWER:
        raise too_costly(filename)
    try:
        return Findings(json.loads(said))
    except (ValueError, TypeError, KeyError, RecursionError):
        # It was ended by a limit, or had no memory left to say so.
        raise too_costly(filename) from None


def _said(source: bytes, seconds: float, cancellation: Cancellation | None) -> bytes:
    root = str(Path(capsule.__file__).parents[1])
    words = [sys.executable, "-I", "-S", "-c", _PROGRAM, root, str(MAX_MEMORY), str(int(seconds))]
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    tie = ProgramTie()
    try:
        child = tie.start(words, environ, stdin=True)
    except BaseException:
        tie.close()
        raise
    timer = Timer(_PATIENCE * seconds, child.kill)
    timer.daemon = True
    try:
        timer.start()
        if cancellation is not None:
            cancellation.attach(child.kill)
        return _exchanged(child, source)
    finally:
        timer.cancel()
        if cancellation is not None:
            cancellation.detach(child.kill)
        child.kill()
        child.wait()
        tie.close()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _exchanged(child: subprocess.Popen[bytes], source: bytes) -> bytes:
    """Write all, then read all: the process does the same, so neither waits for the other."""
    if child.stdin is None or child.stdout is None:
        return b""
    with suppress(OSError):
        child.stdin.write(source)
        child.stdin.close()
    return child.stdout.read(_MAX_ANSWER + 1)
