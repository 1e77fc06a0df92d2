"""Where the task's program was when it ended without a word: its fuel was spent, or its time.

It is read from the sandbox's memory while that is still there: when the end comes, and before that
ever more seldom, as a sandbox that ends by itself may be gone by the time that this is seen.
"""

from __future__ import annotations

import functools
import sys
import threading
import time

from capsule.message_text import printable
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from capsule.snapshot.python_position import Frame, Table

# Seconds between two looks at least, and how much of the time that has gone by at least.
_LEAST, _SHARE = 0.05, 0.4
# How often the end may seem to have come: a guest can write what looks like wasmtime's report.
_MOST_ENDS = 8
_TASK = "/task/"
# Files of the runtime, of the interpreter's prompt and import system, of libraries.
_NOT_THE_USERS = ("/capsule/", "<turn ", "<frozen ", "<reactor>", "/usr/local/")
_SHOWN = 20
_WIDEST = 200


class Position(NamedTuple):
    """Calls of the task's own code, the innermost first; `exact` says that this was the end."""

    frames: tuple[Frame, ...]
    exact: bool


class PositionWatch:
    """Knows where the program of process `pid` was last seen.

    `initial` is the file with the interpreter's memory before anything ran.
    """

    def __init__(self, pid: int, initial: Path) -> None:
        self.last: Position | None = None
        self._pid, self._initial = pid, initial
        self._begin = self._next = time.monotonic()
        self._ends = 0

    def __repr__(self) -> str:
        return f"<PositionWatch of {self._pid}: {self.last}>"

    def look(self, *, ending: bool) -> None:
        """Look, if it is time for that; with `ending`, the end has come, or seems to have."""
        now = time.monotonic()
        if ending and self._ends < _MOST_ENDS:
            self._ends += 1
            self._look(exact=True)
        elif now >= self._next:
            self._look(exact=False)
            self._next = now + max(_LEAST, (now - self._begin) * _SHARE)

    def _look(self, *, exact: bool) -> None:
        from capsule.process.linear_memory import stopped
        from capsule.snapshot.python_position import COOKIE, frames

        if sys.platform != "linux":
            return
        # Runs that look for the first time at once would each look through 40 MB.
        with _READING:
            table = _table(self._initial)
        if table is None:
            return
        with stopped(self._pid, table.address, COOKIE) as memory:
            found = [] if memory is None else frames(memory, table)
        own = tuple(each for each in found if not each.file.startswith(_NOT_THE_USERS))
        if own:
            self.last = Position(own, exact)


_READING = threading.Lock()


@functools.lru_cache(maxsize=4)
def _table(initial: Path) -> Table | None:
    from capsule.snapshot.python_position import Table

    try:
        with initial.open("rb") as file:
            return Table.find(file)
    except OSError:
        return None


def said(position: Position | None) -> str:
    """Return the end of a message that says where the program was; empty where nobody knows.

    >>> from capsule.snapshot.python_position import Frame
    >>> said(Position((Frame("/task/job.py", 4, "main"),), exact=True))
    '; it was at line 4 of job.py, in main'
    """
    if position is None:
        return ""
    inner = position.frames[0]
    seen = "it was" if position.exact else "it was last seen"
    name = printable(inner.file.removeprefix(_TASK))
    return f"; {seen} at line {inner.line} of {name}, in {printable(inner.function)}"


def traceback(position: Position | None, message: str, files: Mapping[str, bytes]) -> str | None:
    """Return the calls as Python writes them, and `message`; `files` has the task's sources."""
    if position is None:
        return None
    lines = ["Traceback (most recent call last):"]
    frames = position.frames[::-1]
    left_out = len(frames) - 2 * _SHOWN
    for at, frame in enumerate(frames):
        if left_out > 0 and at == _SHOWN:
            lines.append(f"  ... {left_out} frames left out")
        if left_out > 0 and _SHOWN <= at < _SHOWN + left_out:
            continue
        name = frame.file.removeprefix(_TASK)
        lines.append(
            f'  File "{printable(name)}", line {frame.line}, in {printable(frame.function)}'
        )
        if source := _line(files.get(name), frame.line):
            lines.append(f"    {source}")
    return "\n".join([*lines, message, ""])


def _line(content: bytes | None, number: int) -> str:
    if content is None:
        return ""
    lines = content.decode("utf-8", "replace").splitlines()
    found = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return printable(found)[:_WIDEST]
