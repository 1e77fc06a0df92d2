"""How many sandboxes of this program run at once, and whose turn it is.

Whoever waits is served in turns: first each owner's first, then each owner's second. A batch of a
thousand does not keep a single run waiting behind it.

The tasks that a task calls need no slot: they are bounded by their run
(`capsule.runner.run_budget`), so a task that waits for one of its own never waits for a slot.
"""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.process.cancel import Cancellation

VARIABLE = "CAPSULE_MAX_RUNNING"
# Tasks may wait for hosts and timers, so more may run than there are processors.
_PER_PROCESSOR = 8
_LEAST = 16

_GRANTED, _GIVEN_UP = True, False


class Slots:
    """At most `most` at once; `slot` waits for one.

    >>> from capsule.process.cancel import Cancellation
    >>> slots = Slots(1)
    >>> with Cancellation() as never, slots.slot("me", never) as granted:
    ...     granted, slots
    (True, <Slots 1 of 1 taken, 0 wait>)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()
        self._taken = 0
        self._waiting: OrderedDict[object, deque[SimpleQueue[bool]]] = OrderedDict()

    def __repr__(self) -> str:
        waiting = sum(map(len, self._waiting.values()))
        return f"<Slots {self._taken} of {self.most} taken, {waiting} wait>"

    @contextmanager
    def slot(self, owner: object, cancellation: Cancellation) -> Iterator[bool]:
        """Hold a slot, waiting for it; give False, and hold none, when cancelled before.

        `owner` is in whose name it is asked: those who wait are served by turns.
        """
        granted = self._take(owner, cancellation)
        try:
            yield granted
        finally:
            if granted:
                self._give_back()

    def _take(self, owner: object, cancellation: Cancellation) -> bool:
        # Putting into it is safe in a signal handler, where a lock is not.
        answer: SimpleQueue[bool] = SimpleQueue()
        with self._lock:
            if self._taken < self.most:
                self._taken += 1
                return True
            self._waiting.setdefault(owner, deque()).append(answer)

        def give_up() -> None:
            answer.put(_GIVEN_UP)

        cancellation.attach(give_up)
        granted = _GIVEN_UP
        try:
            granted = answer.get()
        finally:
            cancellation.detach(give_up)
            # Also when an exception came in between, as KeyboardInterrupt does: what is granted to
            # somebody who is gone would never be given back.
            if not granted:
                self._leave(owner, answer)
        return granted

    def forget(self) -> None:
        """In a child process, which has none of the threads that run something: begin anew."""
        self._lock = Lock()
        self._taken = 0
        self._waiting.clear()

    def _leave(self, owner: object, answer: SimpleQueue[bool]) -> None:
        with self._lock:
            queue = self._waiting.get(owner)
            if queue is not None and answer in queue:
                queue.remove(answer)
                if not queue:
                    del self._waiting[owner]
                return
        # It was granted in the same moment.
        self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            if not self._waiting:
                self._taken -= 1
                return
            owner, queue = next(iter(self._waiting.items()))
            queue.popleft().put(_GRANTED)
            del self._waiting[owner]
            if queue:
                self._waiting[owner] = queue


def default_most(said: str | None, processors: int | None) -> int:
    """Return how many may run at once: what `CAPSULE_MAX_RUNNING` says, else by processors.

    >>> default_most(None, 2), default_most(None, 16), default_most("3", 16), default_most("x", 2)
    (16, 128, 3, 16)
    """
    if said is not None and said.isdecimal() and int(said) > 0:
        return int(said)
    return max(_LEAST, _PER_PROCESSOR * (processors or 1))


# Those of this program.
SHARED = Slots(default_most(os.environ.get(VARIABLE), os.cpu_count()))

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.forget)
