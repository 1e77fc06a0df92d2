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
from threading import RLock

from capsule.processors import usable_processors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        # One that its holder can take again: a coroutine that was forgotten lets go of its place
        # when the garbage collector comes to it, whatever goes on then.
        self._lock = RLock()
        self._taken = 0
        self._waiting: OrderedDict[object, deque[Callable[[], object]]] = OrderedDict()

    def __repr__(self) -> str:
        waiting = sum(map(len, self._waiting.values()))
        return f"<Slots {self._taken} of {self.most} taken, {waiting} wait>"

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._taken

    def take(self) -> bool:
        """Take a slot where one is free, and say whether it was; to `give_back`."""
        with self._lock:
            if free := self._taken < self.most:
                self._taken += 1
            return free

    def ask(self, owner: object, granted: Callable[[], object]) -> bool:
        """Take a slot and say so, or have `granted` called, from any thread, when there is one.

        It has to be quick, and may not raise. Who has a slot calls `give_back` once, and who waits
        no more for one calls `leave`. `owner` is in whose name it is asked.
        """
        with self._lock:
            if self.take():
                return True
            self._waiting.setdefault(owner, deque()).append(granted)
        return False

    def leave(self, owner: object, granted: Callable[[], object]) -> None:
        """Wait no more; what was granted in the same moment is passed on."""
        with self._lock:
            queue = self._waiting.get(owner)
            if queue is not None and granted in queue:
                queue.remove(granted)
                if not queue:
                    self._waiting.pop(owner, None)
                return
        self.give_back()

    def give_back(self) -> None:
        """Let go of a slot: the next who waits has it."""
        with self._lock:
            if not self._waiting:
                self._taken -= 1
                return
            owner, queue = self._waiting.popitem(last=False)
            granted = queue.popleft()
            if queue:
                self._waiting[owner] = queue
            granted()

    @contextmanager
    def slot(
        self,
        owner: object,
        cancellation: Cancellation,
        waits: Callable[[], object] = lambda: None,
    ) -> Iterator[bool]:
        """Hold a slot, waiting for it; give False, and hold none, when cancelled before.

        `owner` is in whose name it is asked: those who wait are served by turns. `waits` is called
        where it has to be waited for; what that raises is raised, and it is not waited then.
        """
        granted = self._take(owner, cancellation, waits)
        try:
            yield granted
        finally:
            if granted:
                self.give_back()

    def _take(self, owner: object, cancellation: Cancellation, waits: Callable[[], object]) -> bool:
        # Putting into it is safe in a signal handler, where a lock is not.
        answer: SimpleQueue[bool] = SimpleQueue()

        def grant() -> None:
            answer.put(_GRANTED)

        if self.ask(owner, grant):
            return True

        def give_up() -> None:
            answer.put(_GIVEN_UP)

        cancellation.attach(give_up)
        granted = _GIVEN_UP
        try:
            waits()
            granted = answer.get()
        finally:
            cancellation.detach(give_up)
            # Also when an exception came in between, as KeyboardInterrupt does: what is granted to
            # somebody who is gone would never be given back.
            if not granted:
                self.leave(owner, grant)
        return granted

    def forget(self) -> None:
        """In a child process, which has none of the threads that run something: begin anew."""
        self._lock = RLock()
        self._taken = 0
        self._waiting.clear()


def default_most(said: str | None, processors: int) -> int:
    """Return how many may run at once: what `CAPSULE_MAX_RUNNING` says, else by processors.

    >>> default_most(None, 2), default_most(None, 16), default_most("3", 16), default_most("x", 2)
    (16, 128, 3, 16)
    """
    if said is not None and said.isdecimal() and int(said) > 0:
        return int(said)
    return max(_LEAST, _PER_PROCESSOR * processors)


# Those of this program.
SHARED = Slots(default_most(os.environ.get(VARIABLE), usable_processors()))

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.forget)
