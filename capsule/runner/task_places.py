"""Who of the tasks that a run calls may run now: those that use a processor, and those that wait.

Each depth has places of its own, as many as there are processors: a task that waits for one below
it keeps its place, so a bound over all depths could leave everybody waiting. More places are for
all depths together, and given only while the tasks that run leave processors unused, as those do
that wait for a host or a timer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager

from capsule.processors import usable_processors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# So many of one depth can wait at the same time, however few processors there are.
WAITING = 16
# Seconds over which the use of processors is looked at.
_SPAN = 0.04
# What share of a processor one that waits may use at most: one that is kept off it by others of
# the machine uses more.
_HARDLY = 0.1
# How many more may begin for each processor that was unused over that time.
_PER_UNUSED = 2


def processors() -> int:
    """Return how many tasks of each depth have a place whatever they do."""
    return max(2, usable_processors())


class TaskPlaces:
    """The places of one run; `waiting` returns how many of its tasks use no processor now.

    >>> places = TaskPlaces(waiting=lambda: None, own=1, more=1)
    >>> one, two, three = (places.place(1) for _ in range(3))
    >>> one.acquire(0), two.acquire(1), three.acquire(0), places.place(2).acquire(0)
    (True, True, False, True)
    >>> two.release()
    >>> three.acquire(1), places
    (True, <TaskPlaces of depths [1, 2] taken, 1 of 1 more>)
    """

    def __init__(
        self, waiting: Callable[[], int | None], own: int | None = None, more: int | None = None
    ) -> None:
        self._own = processors() if own is None else own
        self._most = max(WAITING - self._own, 0) if more is None else more
        self._waiting = waiting
        # All of these change under the condition only.
        self._changed = threading.Condition()
        self._taken: Counter[int] = Counter()
        self._more = self._unused = 0
        self._watched = False
        self._next_look = 0.0

    def __repr__(self) -> str:
        depths = sorted(depth for depth, count in self._taken.items() if count)
        return f"<TaskPlaces of depths {depths} taken, {self._more} of {self._most} more>"

    def place(self, depth: int) -> Place:
        """Return what a task of this depth has to hold while it runs."""
        return Place(self, depth)

    def take(self, depth: int, timeout: float) -> bool | None:
        """Take a place, waiting so many seconds; return whether it is one of the depth's own.

        None means that there was none in time.
        """
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                if self._taken[depth] < self._own:
                    self._taken[depth] += 1
                    return True
                if self._more < self._most and self._unused > 0:
                    self._more += 1
                    self._unused -= 1
                    return False
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._wait(left)

    def give_back(self, depth: int, *, own: bool) -> None:
        """Give a place back."""
        with self._changed:
            if own:
                self._taken[depth] -= 1
            else:
                self._more -= 1
            self._changed.notify_all()

    def _wait(self, seconds: float) -> None:
        """Wait for a change; one of those who wait looks at the processors meanwhile."""
        if self._watched or self._more >= self._most:
            self._changed.wait(seconds)
            return
        self._watched = True
        try:
            self._changed.wait(min(seconds, _SPAN))
            self._look()
        finally:
            self._watched = False
            self._changed.notify()

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _SPAN
        waiting = self._waiting()
        # Where nobody knows what a process uses, they begin one by one.
        held = self._taken.total() + self._more
        unused = 1 if waiting is None else _PER_UNUSED * (self._own - (held - waiting))
        self._unused = max(unused, 0)
        if self._unused:
            self._changed.notify_all()


class Place:
    """One place, for one task."""

    def __init__(self, places: TaskPlaces, depth: int) -> None:
        self._places, self._depth = places, depth
        self._own: bool | None = None

    def acquire(self, timeout: float) -> bool:
        """Take it, waiting so many seconds; say whether it is held."""
        self._own = self._places.take(self._depth, timeout)
        return self._own is not None

    def release(self) -> None:
        """Give it back."""
        if self._own is not None:
            self._places.give_back(self._depth, own=self._own)


class ProcessorUse:
    """What the processes of a run use of the processors, from look to look.

    >>> import os
    >>> use = ProcessorUse()
    >>> with use.counting(os.getpid()):
    ...     use.waiting()
    0
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # What each had used at the last look; nothing for one that is new.
        self._seen: dict[int, float | None] = {}
        self._looked = time.monotonic()

    @contextmanager
    def counting(self, pid: int) -> Iterator[None]:
        """Look at a process too; it must not be gone at the end."""
        with self._lock:
            self._seen[pid] = None
        try:
            yield
        finally:
            with self._lock:
                del self._seen[pid]

    def waiting(self) -> int | None:
        """Return how many have used hardly anything since the last look.

        One that was not there then is none of them. None where a system does not say.
        """
        with self._lock:
            now = time.monotonic()
            span, self._looked = now - self._looked, now
            count = 0
            for pid, before in self._seen.items():
                used = processor_seconds(pid)
                if used is None:
                    return None
                count += before is not None and used - before < _HARDLY * span
                self._seen[pid] = used
            return count


def processor_seconds(pid: int) -> float | None:
    """Return the seconds of processors that a process has used, None where nobody says."""
    if not hasattr(time, "clock_gettime"):
        return None
    try:
        # The number that Linux gives to the clock of a process; see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None
