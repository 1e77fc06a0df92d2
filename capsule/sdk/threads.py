"""Running what blocks from async code, under asyncio and trio; cancelling it ends it at once.

A run is a thread's work. When whoever awaits it is cancelled, the sandbox is killed first, and the
thread, which ends right after, is waited for: nothing goes on behind a cancelled `await`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from capsule.pool import slots
from capsule.process.cancel import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_limiter: RunVar[CapacityLimiter] = RunVar("capsule-runs")


async def in_thread(work: Callable[[Cancellation], T]) -> T:
    """Call `work` in a thread and return its answer; it has to stop soon when it is cancelled.

    Raises what `work` raises. At most as many threads as sandboxes that may run, for each event
    loop: who comes later waits without a thread.
    """
    async with _threads():
        return await _in_thread(work)


async def _in_thread(work: Callable[[Cancellation], T]) -> T:
    claimed, done = threading.Lock(), threading.Event()
    with Cancellation() as cancellation:

        def body() -> T:
            if not claimed.acquire(blocking=False):
                raise RuntimeError("cancelled before it began")
            try:
                return work(cancellation)
            finally:
                done.set()

        limiter = CapacityLimiter(1)
        try:
            return await to_thread.run_sync(body, abandon_on_cancel=True, limiter=limiter)
        except BaseException:
            # Nothing when it was `work` that raised; else it is still at it, or never begins.
            cancellation.cancel()
            if not claimed.acquire(blocking=False):
                with CancelScope(shield=True):
                    await to_thread.run_sync(done.wait, limiter=CapacityLimiter(1))
            raise


def _threads() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(slots.SHARED.most)
        _limiter.set(limiter)
        return limiter
