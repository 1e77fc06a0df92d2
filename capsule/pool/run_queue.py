"""Who waits for a turn in one name: how many may, and how long each of them has waited."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock

from capsule.errors import BusyError
from capsule.pool import slots as running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.pool.slots import Slots


class QueuedRun:
    """One run on its way to its turn: `owner` is in whose name it waits, for one of `slots`.

    It is one of those that may wait in `queue`, where there is one. `with` it.

    >>> run = QueuedRun("me")
    >>> with run, run.waiting():
    ...     pass
    >>> run.waited_ms
    0
    """

    def __init__(
        self, owner: object, queue: RunQueue | None = None, slots: Slots = running.SHARED
    ) -> None:
        self.owner, self.slots = owner, slots
        self._queue, self._counted = queue, False
        self._seconds = 0.0

    def __repr__(self) -> str:
        return f"<QueuedRun of {self.owner!r}, {self.waited_ms} ms>"

    @property
    def waited_ms(self) -> int:
        """How long it has waited, in milliseconds."""
        return round(self._seconds * 1000)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the block, which waits for others and does nothing else."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.wait_ended(begin)

    def wait_ended(self, begin: float) -> None:
        """Count the time since `begin`, in the seconds of `time.monotonic`."""
        self._seconds += time.monotonic() - begin

    def waits(self) -> None:
        """Say that it has to wait. Raises `BusyError` where as many do in its name as may."""
        if self._queue is not None and not self._counted:
            self._queue.enter()
            self._counted = True

    def begins(self) -> None:
        """Say that its turn has come, or that it waits for it no more."""
        if self._queue is not None and self._counted:
            self._counted = False
            self._queue.leave()

    def __enter__(self) -> QueuedRun:
        return self

    def __exit__(self, *exc: object) -> None:
        self.begins()


class RunQueue:
    """Lets at most `most` runs of one sandbox wait, from any thread; `name` is for messages.

    >>> queue = RunQueue("hello.py", 1)
    >>> with QueuedRun(queue, queue) as run:
    ...     run.waits()
    ...     queue
    <RunQueue of 'hello.py', 1 of 1 wait>
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._lock = Lock()
        self._waiting = 0

    def __repr__(self) -> str:
        return f"<RunQueue of {self._name!r}, {self._waiting} of {self._most} wait>"

    def enter(self) -> None:
        """One more waits. Raises `BusyError` where as many do as may."""
        with self._lock:
            if self._waiting >= self._most:
                raise BusyError(
                    f"no run of the sandbox of {self._name!r} can begin now, and"
                    f" {self._waiting:,} wait for their turn: max_waiting={self._most}",
                    hint="begin it when another is over, or a larger max_waiting= of the sandbox",
                )
            self._waiting += 1

    def leave(self) -> None:
        """One of them waits no more."""
        with self._lock:
            self._waiting -= 1
