"""Run by a Python of its own: many sessions with pandas at once, and what that takes of the memory.

It prints one line of JSON: how many sessions, turns and wrong answers there were, the seconds, and
by how many bytes the resident memory of this program was larger at its largest than before.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import psutil

from capsule import Session

SESSIONS, TURNS = 50, 10


async def _wrong(number: int) -> int:
    """Open a session, run its turns, and return how many gave another number than they have to."""
    wrong, expected = 0, sum(range(100)) + 100 * number
    async with Session(imports=["pandas"]) as session:
        code = f"import pandas as pd\ndf = pd.DataFrame({{'n': range(100)}}) + {number}"
        turn = await session.run(f"{code}\nint(df.n.sum())")
        wrong += int(turn.result != expected)
        for step in range(1, TURNS):
            turn = await session.run(f"df = df + {step}\nint(df.n.sum())")
            expected += 100 * step
            wrong += int(turn.result != expected)
    return wrong


def _peak() -> int:
    """Return the most memory that this program has had, in bytes.

    Not by `getrusage`: that has what the program had which started this one, too.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


async def main() -> None:
    """Run all of them, and say how that was."""
    # What one session takes is loaded then: what is counted is the others.
    wrong = await _wrong(0)
    before = psutil.Process().memory_info().rss
    begin = time.perf_counter()
    wrong += sum(await asyncio.gather(*map(_wrong, range(SESSIONS))))
    seconds = time.perf_counter() - begin
    most = _peak()
    said = {"wrong": wrong, "turns": SESSIONS * TURNS, "seconds": seconds, "grown": most - before}
    print(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main())
