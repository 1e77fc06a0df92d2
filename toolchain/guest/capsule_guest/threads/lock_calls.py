"""How locks are waited for as steps, and whatever can be asked whether it is ready."""

from __future__ import annotations

from capsule_guest.threads import locks, step_functions
from capsule_guest.threads.strands import PASS, Wait, deadline_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    Work = Generator[Any, None, Any]

_waiting, _entered = step_functions.waiting, step_functions.entered


def install() -> None:
    """Say how locks are waited for."""
    for kind in (locks.Lock, locks.RLock):
        for name in ("acquire", "__enter__"):
            _waiting[getattr(kind, name)] = acquire_lock
        _entered[kind] = free


def acquire_lock(lock: Any, blocking: object = True, timeout: float = -1) -> Work:
    seconds = locks.checked(blocking, timeout)
    if seconds != 0 and not _mine(lock):
        yield from until(lock.free, seconds, "a lock")
    return lock.acquire(blocking=False)


def _mine(lock: Any) -> bool:
    return type(lock) is locks.RLock and lock._is_owned()


def free(lock: Any) -> Work:
    if not _mine(lock):
        yield from until(lock.free, None, "a lock")
    return lock


def until(ready: Callable[[], object], timeout: float | None, what: str) -> Work:
    """Wait for something; return whether it is there."""
    if not ready():
        yield Wait(ready, deadline_of(timeout), what)
    return bool(ready())


def polled_by(function: Any) -> None:
    """Let others go on wherever a strand asks whether something is so."""

    def polled(*args: Any, **kwargs: Any) -> Work:
        yield PASS
        return function(*args, **kwargs)

    _waiting[function] = polled
