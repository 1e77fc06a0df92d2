"""How long an event loop stands still while it runs tasks: the longest gap of a ticker."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import CapsuleError, Sandbox, run
from scripts.bench.commands import HELLO
from scripts.bench.timing import Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Work = Callable[[], Awaitable[object]]

_TICK = 0.01
_ROUNDS = 3
_MANY = 500
# The longest gap that is promised, in seconds.
_BOUND = 0.05

_PANDAS = """
import pandas
def main():
    return int(pandas.DataFrame({"a": [1, 2]}).a.sum())
"""
_TEXT = "def main():\n    return 'x' * (20 << 20)\n"
_LIST = (
    "from capsule import task\n@task(compute='HIGH')\ndef main():\n    return [0] * (10 << 20)\n"
)
_LINES = {
    "f-strings": ("f'{x}'", 12_000),
    "nested f-strings": ("""f'{f"{x}"}'""", 8_000),
    "lambdas": ("lambda:" * 80 + "0", 600),
    "long integers": ("9" * 4300, 2_000),
}


def rows() -> list[Row]:
    """Measure the longest gap of a ticker beside each kind of work; medians of three."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_rows(Path(folder)))


async def _rows(folder: Path) -> list[Row]:
    files = _Files(folder)
    known = files.fresh(HELLO)
    await run(known)

    async def mapped() -> None:
        async with Sandbox(known) as sandbox:
            async for envelope in sandbox.map(range(_MANY)):
                envelope.unwrap()

    works: dict[str, Work] = {
        "nothing": lambda: asyncio.sleep(0.5),
        "a fresh file": lambda: run(files.fresh(HELLO)),
        "pandas, fresh": lambda: run(files.fresh(_PANDAS)),
        f"a map of {_MANY}": mapped,
        f"{_MANY} runs at once": lambda: asyncio.gather(*(run(known) for _ in range(_MANY))),
        "a text of 20 MB": lambda: run(files.fresh(_TEXT)),
    }
    for name, (line, times) in _LINES.items():
        source = f"{line}\n" * times + HELLO
        works[name] = lambda source=source: run(files.fresh(source))  # type: ignore[misc]
    found = []
    for name, work in works.items():
        gaps = [await _longest_gap(work) for _ in range(_ROUNDS)]
        bound = None if name == "nothing" else _BOUND
        found.append(Row(f"gap of a ticker: {name}", statistics.median(gaps), at_most=bound))
    # The interpreter's lock is held while it is parsed, see docs/python.md.
    gap = await _longest_gap(lambda: run(files.fresh(_LIST)))
    return [*found, Row("gap of a ticker: a list of 20 MB", gap)]


class _Files:
    """Writes task files, each of which nobody has read before."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._written = folder, 0

    def __repr__(self) -> str:
        return f"<_Files {self._written}>"

    def fresh(self, source: str) -> Path:
        self._written += 1
        path = self._folder / f"task{self._written}.py"
        path.write_text(f"{source}\n# {time.time_ns()}\n")
        return path


async def _longest_gap(work: Work) -> float:
    """Return by how much a tick was late at most, in seconds, while `work` went on."""
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(_TICK)
            gaps.append(time.perf_counter() - begin - _TICK)

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(2 * _TICK)
    gaps.clear()
    # Some of the sources are refused: that is how they are read.
    with suppress(CapsuleError):
        await work()
    await asyncio.sleep(2 * _TICK)
    ticker.cancel()
    return max(gaps)
