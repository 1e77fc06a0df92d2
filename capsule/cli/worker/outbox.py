"""Lines that wait to be written: in order, and bounded.

Whoever reads them may be slow, or read nothing at all. So who has a line waits until there is room
for it, as long as they care to, and a thread of its own writes. Only who cares for as long as it
takes, and finds nobody before them, writes at once: to wake that thread takes a millisecond.
"""

from __future__ import annotations

import threading
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from capsule.process.cancel import Cancellation

# Bytes that wait at most; a longer line waits until it is alone.
MOST_BYTES = 1 << 20


class Outbox:
    """Writes lines to `output`; `lost` is called once, in that thread, when nobody takes them.

    Call `finish` when no more will come, or `close` when nobody is there to take them.
    """

    def __init__(self, output: BinaryIO, lost: Callable[[], None]) -> None:
        self._output, self._lost = output, lost
        self._changed = threading.Condition()
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        # Those that wait for room, in the order in which they came.
        self._turns: deque[object] = deque()
        self._finished = self._broken = False
        # Somebody is in a write, and writes nothing twice.
        self._writing = False
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Outbox with {self._bytes:,} bytes>"

    def put(
        self, line: bytes, stop: Cancellation | None = None, until: float | None = None
    ) -> bool:
        """Have a line written behind those before it; say whether it will be.

        Waits for room until `stop` is cancelled, or it is `until`, in the seconds of
        `time.monotonic`; with neither, until somebody has read.
        """
        if stop is None and until is None and self._begin_write(line):
            return self._write(line)
        turn = object()
        if stop is not None:
            stop.attach(self._wake)
        try:
            with self._changed:
                self._turns.append(turn)
                try:
                    return self._put(line, turn, stop, until)
                finally:
                    self._turns.remove(turn)
                    self._changed.notify_all()
        finally:
            if stop is not None:
                stop.detach(self._wake)

    def finish(self) -> None:
        """Wait until all lines are written, or nobody takes them."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """Let go of all lines that are not written; a write that goes on is not waited for."""
        with self._changed:
            self._finished = self._broken = True
            self._lines.clear()
            self._changed.notify_all()

    def _begin_write(self, line: bytes) -> bool:
        """Say whether there is nothing before a line; who has it writes it then."""
        with self._changed:
            if self._writing or self._lines or self._turns or self._broken:
                return False
            self._writing = True
            self._bytes += len(line)
            return True

    def _put(
        self, line: bytes, turn: object, stop: Cancellation | None, until: float | None
    ) -> bool:
        while not self._broken:
            full = self._bytes and self._bytes + len(line) > MOST_BYTES
            if self._turns[0] is turn and not full:
                self._lines.append(line)
                self._bytes += len(line)
                self._start()
                return True
            left = None if until is None else until - time.monotonic()
            if (stop is not None and stop.cancelled) or (left is not None and left <= 0):
                return False
            self._changed.wait(left)
        return False

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            # One that is stuck in a write must not keep the program from its end.
            self._thread = threading.Thread(
                target=self._write_all, name="capsule-outbox", daemon=True
            )
            self._thread.start()
        self._changed.notify_all()

    def _write_all(self) -> None:
        """Write what comes, until no more will."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: not self._writing and (self._lines or self._finished)
                )
                if not self._lines:
                    return
                data = self._lines[0] if len(self._lines) == 1 else b"".join(self._lines)
                self._lines.clear()
                self._writing = True
            if not self._write(data):
                return

    def _write(self, data: bytes) -> bool:
        """Write lines, and say whether somebody takes more."""
        try:
            self._output.write(data)
            self._output.flush()
        except (OSError, ValueError):
            # Whoever asked is gone, or takes nothing more.
            broken = True
        else:
            broken = False
        with self._changed:
            self._writing = False
            self._bytes -= len(data)
            if broken:
                self._broken = True
                self._lines.clear()
            self._changed.notify_all()
        if broken:
            self._lost()
        return not broken
