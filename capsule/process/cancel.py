"""Telling a running sandbox to stop, from a signal handler or another thread."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Cancellation:
    """A switch that is set once; whoever waits on a sandbox wakes up at once.

    `with` it, or call `close`: it holds two descriptors, once one of them was asked for. Most runs
    wait on other things that it wakes.

    >>> with Cancellation() as stop:
    ...     stop.cancel()
    ...     stop.cancelled
    True
    """

    def __init__(self) -> None:
        self.cancelled = False
        # One that a signal handler can take again: between the look at a descriptor and its use,
        # another thread could close it, and open something else under its number.
        self._lock = RLock()
        self._listeners: list[Callable[[], None]] = []
        self._reader = self._writer = -1
        self._closed = False

    def cancel(self) -> None:
        """Ask for the end; safe in a signal handler, from any thread, and more than once."""
        self.cancelled = True
        self._wake()
        for listener in tuple(self._listeners):
            listener()

    def attach(self, listener: Callable[[], None]) -> None:
        """Have `listener` called on `cancel`, at once if that was; it has to be quick and safe."""
        self._listeners.append(listener)
        if self.cancelled:
            listener()

    def detach(self, listener: Callable[[], None]) -> None:
        """Have it called no more."""
        self._listeners.remove(listener)

    def fileno(self) -> int:
        """Return a descriptor that is readable from the moment of `cancel`."""
        with self._lock:
            if self._reader < 0 and not self._closed:
                self._reader, self._writer = os.pipe()
                if hasattr(os, "set_blocking"):  # Windows has it since Python 3.12
                    os.set_blocking(self._writer, False)
                if self.cancelled:
                    self._wake()
            return self._reader

    def _wake(self) -> None:
        with self._lock:
            if self._writer >= 0:
                # A full pipe has woken its reader already.
                with suppress(OSError):
                    os.write(self._writer, b"\0")

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            self._closed = True
            reader, self._reader = self._reader, -1
            writer, self._writer = self._writer, -1
            for descriptor in (reader, writer):
                if descriptor >= 0:
                    os.close(descriptor)

    def __enter__(self) -> Cancellation:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
