"""The live region of a terminal: lines at its end, drawn in place while all else scrolls above.

One thread draws, ten times a second, so that neither many events nor a terminal that somebody has
stopped holds up a run. What it hides or switches off it restores in the same write: whatever ends
the program leaves a terminal as it was. rich could draw too, but takes longer to import than most
runs, hides the cursor for the whole time, and is told of what is printed only where that goes
through `sys.stderr`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from capsule.process.cancel import Cancellation

_INTERVAL = 0.1
# So many characters may wait to be drawn before whoever prints waits.
_MOST = 1 << 16
# A terminal that takes nothing for so many seconds is not waited for, once that is allowed.
_PATIENCE = 2.0
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
# A name whose width the terminal sees otherwise must not make two lines of one.
_CUT, _WRAP = "\x1b[?7l", "\x1b[?7h"
_END_OF_LINE, _REST = "\x1b[K", "\x1b[J"


class Terminal(Protocol):
    """What is drawn on."""

    def write(self, text: str) -> None:
        """Write all of a text. Raises `OSError`."""

    def close(self) -> None:
        """Write no more."""


class Part(Protocol):
    """What gives the lines that are shown now: at most so many, none of them wider."""

    def __call__(self, width: int, height: int) -> Sequence[str]: ...


def repainted(before: int, text: str, lines: Sequence[str]) -> str:
    r"""Return what to write to have `text` above, and `lines` in place of so many before.

    The cursor stands at the beginning of the line below them, then and now. `text` has whole lines.

    >>> repainted(2, "said\n", [])
    '\x1b[?25l\r\x1b[2A\x1b[Jsaid\n\x1b[?7l\x1b[?7h\x1b[J\x1b[?25h'
    """
    up = f"\x1b[{before}A" if before else ""
    # Cleared first: behind a line that is as wide as the terminal, its last character would go.
    drawn = "".join(f"{_END_OF_LINE}{line}\n" for line in lines)
    return f"{_HIDE}\r{up}{_REST if text else ''}{text}{_CUT}{drawn}{_WRAP}{_REST}{_SHOW}"


class LiveRegion:
    """Draws parts, one below the other, until there are none; then it is over.

    `size` is how many columns and lines the terminal has. It is closed when it is over.
    """

    def __init__(self, terminal: Terminal, size: Callable[[], tuple[int, int]]) -> None:
        self._terminal, self._size = terminal, size
        # All of these change under the condition only.
        self._changed = threading.Condition()
        self._parts: list[Part] = []
        self._above: list[str] = []
        self._waiting = self._written = 0
        # No part is left; and nothing is drawn any more.
        self._ending = self._over = False
        # What stands on the terminal; who holds the lock draws.
        self._drawing = threading.Lock()
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._draw, name="capsule-live-region", daemon=True)

    def __repr__(self) -> str:
        return f"<LiveRegion with {len(self._parts)} parts{', over' if self._over else ''}>"

    @property
    def is_over(self) -> bool:
        """Whether nothing is shown any more."""
        return self._over

    def say(
        self, text: str, deadline: float | None = None, cancellation: Cancellation | None = None
    ) -> bool:
        """Have whole lines shown above; say whether there was still somebody to do it.

        Waits while too much is waiting already. What is still waiting at `deadline` (in the seconds
        of `time.monotonic`), or when the run is cancelled, is dropped.
        """
        with self._changed:
            while self._waiting > _MOST and not self._over:
                late = deadline is not None and time.monotonic() >= deadline
                if late or (cancellation is not None and cancellation.cancelled):
                    return True
                self._changed.wait(_INTERVAL)
            if self._over:
                return False
            self._add(text)
            return True

    def add(self, part: Part) -> bool:
        """Show a part from now on; say whether there is still somebody to do it."""
        with self._changed:
            if self._ending or self._over:
                return False
            self._parts.append(part)
            if self._thread.ident is None:
                self._thread.start()
            return True

    def remove(self, part: Part, last: Sequence[str], hurry: Callable[[], bool]) -> None:
        """Show a part no more, but `last`, which stays.

        Behind the last part, waits until all is written; `hurry` says whether that may be given up
        where the terminal takes nothing.
        """
        with self._changed:
            self._parts.remove(part)
            self._add("".join(f"{line}\n" for line in last))
            if self._parts:
                return
            self._ending = True
            self._changed.notify_all()
        while self._thread.is_alive():
            before = self._written
            self._thread.join(_PATIENCE)
            if self._written == before and hurry():
                self._end()
                return

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Have no live region inside the block, which prints to the same terminal."""
        with self._drawing:
            if not self._over:
                self._paint(())
            yield

    def _add(self, text: str) -> None:
        self._above.append(text)
        self._waiting += len(text)
        if self._waiting > _MOST:
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _draw(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # The main thread handles them, and would sleep on if the system gave one to this.
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._ending or self._waiting > _MOST, _INTERVAL)
                    if self._over or (self._ending and not self._above):
                        self._over = True
                        return
                    parts = tuple(self._parts)
                with self._drawing:
                    self._paint(parts)
        except OSError:
            return  # the terminal is gone
        finally:
            self._end()
            with self._drawing:
                self._terminal.close()

    def _paint(self, parts: Sequence[Part]) -> None:
        width, height = self._size()
        with self._changed:
            text, self._waiting = "".join(self._above), 0
            self._above.clear()
            self._changed.notify_all()
        lines: list[str] = []
        for part in parts:
            # One line less than there is: the cursor stands below them.
            room = max(height - 1 - len(lines), 0)
            lines += part(width, room)[:room]
        if text or lines != self._lines:
            before = min(len(self._lines), height - 1)
            self._terminal.write(repainted(before, text, lines))
            self._lines = lines
        self._written += 1


class Descriptor:
    """Writes to a descriptor of its own, past all that Python keeps: a writer may be left stuck."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)

    def write(self, text: str) -> None:
        """Write all of a text. Raises `OSError`."""
        data = text.encode(errors="replace")
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Give the descriptor back: who waits for the terminal's end would wait for it."""
        os.close(self._descriptor)
