"""Waking who waits on a sandbox: for its end, or because there is something to send to it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.process.cancel import Cancellation


class WakeupPipe:
    """Wakes its reader when `outer` is cancelled, and when anyone calls `wake`, again and again.

    `with` it, or call `close`: it holds two descriptors, on Windows none.
    """

    def __init__(self, outer: Cancellation) -> None:
        self.cancelled = False
        self._lock = RLock()  # as that of `Cancellation`
        self._outer = outer
        self._reader = self._writer = -1
        self._listeners: list[Callable[[], None]] = []
        # Windows cannot wait for a pipe beside others: who waits there is called.
        if sys.platform != "win32":
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._reader, False)
            os.set_blocking(self._writer, False)
        outer.attach(self.wake)

    def wake(self) -> None:
        """Wake whoever waits; safe in a signal handler and from any thread."""
        self.cancelled = True
        with self._lock:
            if self._writer >= 0:
                # A full pipe has woken its reader already.
                with suppress(OSError):
                    os.write(self._writer, b"\0")
        for listener in tuple(self._listeners):
            listener()

    def attach(self, listener: Callable[[], None]) -> None:
        """Have `listener` called by each `wake`, at once if that was; it has to be quick."""
        self._listeners.append(listener)
        if self.cancelled:
            listener()

    def detach(self, listener: Callable[[], None]) -> None:
        """Have it called no more."""
        self._listeners.remove(listener)

    def clear(self) -> None:
        """Be quiet until the next call of `wake`; a cancellation stays."""
        if self._outer.cancelled:
            return
        self.cancelled = False
        if self._reader < 0:
            return
        try:
            while os.read(self._reader, 4096):
                pass
        except BlockingIOError:
            return

    def fileno(self) -> int:
        """Return a descriptor that is readable while somebody has called; Windows has none."""
        return self._reader

    def close(self) -> None:
        """Give the descriptors back."""
        self._outer.detach(self.wake)
        with self._lock:
            reader, self._reader = self._reader, -1
            writer, self._writer = self._writer, -1
            for descriptor in (writer, reader):
                if descriptor >= 0:
                    os.close(descriptor)

    def __enter__(self) -> WakeupPipe:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
