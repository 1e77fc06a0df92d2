"""How much of the host's memory a run may take, with all tasks that it calls, at every depth.

What a sandbox asks with is never waited for: nobody would read what it waits for meanwhile, so it
is refused. Its answer is the last that it sends, and can wait until there is room.
"""

from __future__ import annotations

import time
from threading import Condition, Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.process.cancel import Cancellation

MAX_CALLS = 64 << 20
# One answer of the largest size, and some that are smaller.
MAX_ANSWERS = 96 << 20


class RunMemory:
    """What the sandboxes of one run share: room for calls, room for answers, one parser of calls.

    A call is looked at in one sandbox at a time: parsed, it takes thirty times its text.
    """

    def __init__(self, calls: int = MAX_CALLS, answers: int = MAX_ANSWERS) -> None:
        self.calls, self.answers = MemoryBudget(calls), MemoryBudget(answers)
        self.parsing = Lock()


class MemoryBudget:
    """So many bytes for all who hold some of them.

    >>> budget = MemoryBudget(10)
    >>> one, other = budget.hold(), budget.hold()
    >>> one.try_resize(6), other.try_resize(6), one.try_resize(4), other.try_resize(6)
    (True, False, True, True)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0
        self.changed = Condition()

    def __repr__(self) -> str:
        return f"<MemoryBudget {self.taken:,} of {self.most:,} bytes taken>"

    def hold(self) -> Hold:
        """Return what holds nothing yet."""
        return Hold(self)


class Hold:
    """What one of those who share a budget has of it; it has to be released."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget, self._size = budget, 0

    def __repr__(self) -> str:
        return f"<Hold of {self._size:,} bytes>"

    def try_resize(self, size: int) -> bool:
        """Hold `size` bytes from now on, and say so; where there is no room, as many as before."""
        budget = self._budget
        with budget.changed:
            if budget.taken - self._size + size > budget.most and size > self._size:
                return False
            self._set(size)
            return True

    def resize(self, size: int, deadline: float | None, cancellation: Cancellation) -> bool:
        """Hold `size` bytes, waiting for room until `deadline`; say whether they are held.

        `deadline` is in the seconds of `time.monotonic`.
        """
        if self.try_resize(size):
            return True
        budget = self._budget

        def wake() -> None:
            with budget.changed:
                budget.changed.notify_all()

        cancellation.attach(wake)
        try:
            with budget.changed:
                budget.changed.wait_for(
                    lambda: cancellation.cancelled or self._fits(size),
                    None if deadline is None else max(deadline - time.monotonic(), 0),
                )
                if cancellation.cancelled or not self._fits(size):
                    return False
                self._set(size)
                return True
        finally:
            cancellation.detach(wake)

    def release(self) -> None:
        """Hold nothing any more."""
        self.try_resize(0)

    def _fits(self, size: int) -> bool:
        return self._budget.taken - self._size + size <= self._budget.most

    def _set(self, size: int) -> None:
        self._budget.taken += size - self._size
        if size < self._size:
            self._budget.changed.notify_all()
        self._size = size
