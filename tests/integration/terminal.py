"""A terminal that a library emulates: what it shows is what a user sees."""

from __future__ import annotations

import os
import select
import struct
import sys
from typing import TYPE_CHECKING, Any

import pyte

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.integration.command import Command

_SECONDS = 60


def lines_of(console: pyte.HistoryScreen) -> list[str]:
    """Return the lines that have scrolled out of a screen, and those that it shows."""
    rows = [*console.history.top, *(console.buffer[place] for place in range(console.lines))]
    lines = [_text(row, console.columns) for row in rows]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _text(row: Any, columns: int) -> str:
    return "".join(row[place].data for place in range(columns)).rstrip()


class Terminal:
    """A command with a terminal as its stdin, stdout and stderr; `with` it.

    `options` replace some of them.
    """

    def __init__(
        self, command: Command, *words: str, columns: int = 80, lines: int = 24, **options: Any
    ) -> None:
        self._mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.console = pyte.HistoryScreen(columns, lines, history=10_000, ratio=0.1)
        self._stream = pyte.ByteStream(self.console)
        self.raw = bytearray()
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        # A session of its own, whose terminal this is: Ctrl-C is a signal to it.
        attach = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # noqa: E731
        self.process: subprocess.Popen[bytes] = command.popen(
            *words, **{**streams, "start_new_session": True, "preexec_fn": attach, **options}
        )
        os.close(theirs)

    @property
    def lines(self) -> list[str]:
        """What it shows, and what has scrolled out above."""
        return lines_of(self.console)

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self._mine, data)

    def read(self) -> bool:
        """Show what comes next; say whether there was more."""
        assert select.select([self._mine], [], [], _SECONDS)[0], self.lines
        try:
            data = os.read(self._mine, 65536)
        except OSError:  # Linux says so when the other end is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_until(self, shown: Callable[[list[str]], object]) -> list[str]:
        """Show what comes until it is as it should be; return the lines then."""
        while not shown(self.lines):
            assert self.read(), self.lines
        return self.lines

    def finish(self) -> int:
        """Show all that comes; return the exit code."""
        while self.read():
            pass
        return self.process.wait(_SECONDS)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        os.close(self._mine)
