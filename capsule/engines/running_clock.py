"""The time in which this program ran: while it was stopped, or its machine slept, nothing came."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# How much is counted of the time between two looks, in seconds: there is one each second.
_MOST = 2.0


class RunningClock:
    """Seconds that go by while somebody looks, from 0 on; usable from any thread.

    >>> times = iter([100.0, 101.0, 161.0, 161.5])
    >>> clock = RunningClock(lambda: next(times))
    >>> clock.now(), clock.now(), clock.now()
    (1.0, 3.0, 3.5)
    """

    def __init__(self, read: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._looking = threading.Lock()
        self._last = read()
        self._now = 0.0

    def __repr__(self) -> str:
        return f"<RunningClock at {self._now:.1f} s>"

    def now(self) -> float:
        """Look, and return how many seconds the program has run since this was made."""
        with self._looking:
            last, self._last = self._last, self._read()
            self._now += min(self._last - last, _MOST)
            return self._now
