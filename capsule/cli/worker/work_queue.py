"""Work that is done in order by threads of a pool: as much of it at once as the queue allows."""

from __future__ import annotations

import threading
from collections import deque

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor


class _Job(NamedTuple):
    """What is to be done, and by whose threads."""

    name: object
    work: Callable[[], None]
    pool: ThreadPoolExecutor


class WorkQueue:
    """Does what it is given, `at_once` at a time; a thread is taken only for what can begin.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> done = []
    >>> with ThreadPoolExecutor(4) as pool:
    ...     queue = WorkQueue(1)
    ...     for number in range(3):
    ...         queue.add(number, lambda number=number: done.append(number), pool)
    ...     queue.wait()
    >>> done
    [0, 1, 2]
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._active = 0

    def __repr__(self) -> str:
        return f"<WorkQueue {self._active} of {self._at_once} at work, {len(self._jobs)} wait>"

    def add(self, name: object, work: Callable[[], None], pool: ThreadPoolExecutor) -> None:
        """Have `work` done, which must not raise; `name` is what it can be withdrawn by."""
        with self._changed:
            self._jobs.append(_Job(name, work, pool))
            self._start_next()

    def withdraw(self, name: object) -> bool:
        """Take work back that has not begun; say whether that is so."""
        with self._changed:
            for job in self._jobs:
                if job.name is name:
                    self._jobs.remove(job)
                    self._changed.notify_all()
                    return True
        return False

    def wait(self) -> None:
        """Wait until all is done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs and not self._active)

    def _start_next(self) -> None:
        if self._jobs and self._active < self._at_once:
            self._active += 1
            pool = self._jobs[0].pool
            pool.submit(self._step, pool)

    def _step(self, pool: ThreadPoolExecutor) -> None:
        with self._changed:
            # What the thread was asked for may have been withdrawn, and the next be for others.
            fit = bool(self._jobs) and self._jobs[0].pool is pool
            job = self._jobs.popleft() if fit else None
        try:
            if job is not None:
                job.work()
        finally:
            with self._changed:
                self._active -= 1
                self._start_next()
                self._changed.notify_all()
