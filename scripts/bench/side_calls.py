"""Run by the Python of either side: take a turn for each line of stdin, and say how long it took.

Nothing is used but what every revision offers to programs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from capsule import Sandbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def cold(task: str, calls: int) -> None:
    """Answer with the seconds of a call that starts its process, of so many in each turn."""
    async with Sandbox(task, warm=0) as sandbox:

        async def turn() -> float:
            begin = time.perf_counter()
            for _ in range(calls):
                checked(await sandbox.run())
            return (time.perf_counter() - begin) / calls

        await answer(turn)


async def warm(task: str, calls: int) -> None:
    """Answer with the seconds of a call to a process that waits, of so many in each turn.

    Each call has a sandbox of its own: what opens one waits until a process waits, and what closes
    it leaves nothing that goes on while the other side takes its turn.
    """

    async def turn() -> float:
        taken = 0.0
        for _ in range(calls):
            async with Sandbox(task, warm=1) as sandbox:
                begin = time.perf_counter()
                envelope = await sandbox.run()
                taken += time.perf_counter() - begin
            checked(envelope)
        return taken / calls

    await answer(turn)


async def many(task: str, items: int) -> None:
    """Answer with the seconds of a map of so many items, on all processors."""
    async with Sandbox(task, warm=0) as sandbox:
        # What `map` does by itself, where that was not so from the beginning.
        processors = len(os.sched_getaffinity(0))

        async def turn() -> float:
            begin = time.perf_counter()
            async for envelope in sandbox.map([1] * items, concurrency=processors):
                checked(envelope)
            return time.perf_counter() - begin

        await answer(turn)


def checked(envelope: dict[str, object]) -> None:
    """End this Python unless the task succeeded."""
    if not envelope["success"]:
        raise SystemExit(f"a task failed: {envelope['error']}")


async def answer(turn: Callable[[], Awaitable[float]]) -> None:
    """Take a turn for each line, until stdin ends."""
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"success": True, "seconds": await turn()}), flush=True)


if __name__ == "__main__":
    ways = {"cold": cold, "warm": warm, "many": many}
    asyncio.run(ways[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
