"""`threading.Lock` and `threading.RLock`: whoever has to wait lets other strands go on."""

from __future__ import annotations

import _thread

from capsule_guest.threads import strands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def get_ident() -> int:
    """Return the number of the thread that this runs in."""
    return strands.current.ident


def checked(blocking: object, timeout: float) -> float | None:
    """Return how long to wait for a lock, 0 for not at all and None for ever."""
    if not blocking and timeout != -1:
        raise ValueError("can't specify a timeout for a non-blocking call")
    if timeout < 0 and timeout != -1:
        raise ValueError("timeout value must be a non-negative number")
    if timeout > _thread.TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    if not blocking:
        return 0
    return None if timeout == -1 else timeout


class Lock:
    """A lock that anybody may release."""

    __slots__ = ("__weakref__", "_held")

    def __init__(self) -> None:
        self._held = False

    def acquire(self, blocking: object = True, timeout: float = -1) -> bool:
        """Take the lock; say whether it was there in time."""
        seconds = checked(blocking, timeout)
        if self._held and (
            seconds == 0 or not strands.wait(self.free, strands.deadline_of(seconds), "a lock")
        ):
            return False
        self._held = True
        return True

    def free(self) -> bool:
        """Say whether it can be taken."""
        return not self._held

    def release(self) -> None:
        """Give the lock back."""
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self) -> bool:
        """Say whether somebody has it."""
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()

    def __repr__(self) -> str:
        how = "locked" if self._held else "unlocked"
        return f"<{how} _thread.lock object at {id(self):#x}>"

    def _at_fork_reinit(self) -> None:
        self._held = False

    acquire_lock, release_lock, locked_lock = acquire, release, locked


class RLock:
    """A lock that who has it may take again."""

    __slots__ = ("__weakref__", "_count", "_owner")

    def __init__(self) -> None:
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: object = True, timeout: float = -1) -> bool:
        """Take the lock; say whether it was there in time."""
        mine = strands.current.ident
        if self._owner is not None and self._owner != mine:
            seconds = checked(blocking, timeout)
            if seconds == 0 or not strands.wait(self.free, strands.deadline_of(seconds), "a lock"):
                return False
        self._owner = mine
        self._count += 1
        return True

    def free(self) -> bool:
        """Say whether nobody has it."""
        return self._owner is None

    def release(self) -> None:
        """Give the lock back, once for each time that it was taken."""
        if self._owner != strands.current.ident:
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None

    def locked(self) -> bool:
        """Say whether somebody has it."""
        return self._owner is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()

    def __repr__(self) -> str:
        how = "locked" if self._count else "unlocked"
        return (
            f"<{how} _thread.RLock object owner={self._owner or 0} count={self._count}"
            f" at {id(self):#x}>"
        )

    def _is_owned(self) -> bool:
        return self._owner == strands.current.ident

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> Any:
        if self._owner is None:
            raise RuntimeError("cannot release un-acquired lock")
        saved = self._count, self._owner
        self._count, self._owner = 0, None
        return saved

    def _acquire_restore(self, saved: Any) -> None:
        self.acquire()
        self._count, self._owner = saved

    def _at_fork_reinit(self) -> None:
        self._owner, self._count = None, 0


class ThreadHandle:
    """What `threading.Thread` knows its thread by."""

    def __init__(self, ident: int | None = None) -> None:
        self.ident = ident
        self.over = False

    def is_done(self) -> bool:
        """Say whether the thread has ended."""
        return self.over

    def _set_done(self) -> None:
        self.over = True

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread."""
        strands.wait(self.is_done, strands.deadline_of(timeout), "the end of a thread")
