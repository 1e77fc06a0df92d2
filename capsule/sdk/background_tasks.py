"""Starting a task that belongs to no block of its caller's, under asyncio and trio.

A batch goes on between two of its results, which no task group of the caller could span. What is
started here must not raise, and its owner has to see to its end.
"""

from __future__ import annotations

import sniffio

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from typing import Any

# asyncio itself keeps no reference to a task.
_running: set[asyncio.Task[Any]] = set()


def spawn(function: Callable[..., Awaitable[None]], *args: Any) -> None:
    """Start `function` with `args` in the event loop that calls this."""
    if sniffio.current_async_library() == "trio":
        import trio

        trio.lowlevel.spawn_system_task(function, *args)
        return
    import asyncio

    async def run() -> None:
        await function(*args)

    task = asyncio.get_running_loop().create_task(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
