"""Run by the Python of either side: take a turn for each line of stdin, and say how long it took.

Nothing is used but what every revision offers to programs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
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


async def fuel(task: str, _: int) -> None:
    """Answer with the fuel that a call takes, in millions."""
    async with Sandbox(task, warm=0) as sandbox:

        async def turn() -> float:
            envelope = await sandbox.run()
            checked(envelope)
            return float(envelope["execution"]["fuel_consumed"]) / 1e6

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


async def waiting(task: str, processes: int) -> None:
    """Answer with the megabytes that so many waiting processes take together (PSS of Linux)."""

    async def turn() -> float:
        async with Sandbox(task, warm=processes) as sandbox:
            checked(await sandbox.run())
            deadline = time.monotonic() + _PATIENCE
            before = 0.0
            while time.monotonic() < deadline:
                await asyncio.sleep(_LOOK)
                sizes = [_memory(pid) for pid in _below(os.getpid())]
                # All are there, and none is still starting.
                if len(sizes) == processes and abs(sum(sizes) - before) < before / 100:
                    return sum(sizes)
                before = sum(sizes)
        raise SystemExit(f"no {processes} processes came to wait")

    await answer(turn)


# Seconds between two looks at what waits, and how many all of them may take.
_LOOK, _PATIENCE = 0.3, 60.0


def _below(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text().split()):
            program = Path(f"/proc/{child}/comm").read_text().strip()
            found += [child] if program == "wasmtime" else _below(child)
    return found


def _memory(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (kilobytes,) = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return kilobytes / 1000


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
    ways = {"cold": cold, "warm": warm, "many": many, "fuel": fuel, "waiting": waiting}
    asyncio.run(ways[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
