"""Running a coroutine of the caller's for a sandbox: in the caller's loop, or in one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sniffio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from capsule.process.cancel import Cancellation

    Await = Callable[[Coroutine[Any, Any, Any], Cancellation], Any]


def in_this_loop() -> Await:
    """Return what runs a coroutine in the event loop that calls this, from any thread."""
    if sniffio.current_async_library() == "trio":
        import trio

        token = trio.lowlevel.current_trio_token()

        def in_trio(work: Coroutine[Any, Any, Any], _: Cancellation) -> Any:
            async def awaited() -> Any:
                return await work

            return trio.from_thread.run(awaited, trio_token=token)

        return in_trio
    import asyncio

    loop = asyncio.get_running_loop()

    def in_asyncio(work: Coroutine[Any, Any, Any], cancellation: Cancellation) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, loop)

        # Who cancels the run does not wait for what it has called.
        def stop() -> None:
            future.cancel()

        cancellation.attach(stop)
        try:
            return future.result()
        finally:
            cancellation.detach(stop)

    return in_asyncio


def alone(work: Coroutine[Any, Any, Any], cancellation: Cancellation) -> Any:
    """Run a coroutine in a loop of its own: nobody else has one."""
    import asyncio

    async def finished() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

        def stop() -> None:
            loop.call_soon_threadsafe(task.cancel)

        cancellation.attach(stop)
        try:
            return await task
        finally:
            cancellation.detach(stop)

    return asyncio.run(finished())
