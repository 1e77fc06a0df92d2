"""Sessions: turns, forks, files with states, and calls of functions of the host."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import SessionSync
from scripts.bench.timing import Row

if TYPE_CHECKING:
    from collections.abc import Callable

# How often each is done, and how long whoever thinks does that, in seconds.
_TURNS, _FORKS, _FILES, _OPENINGS, _THOUGHT = 30, 9, 9, 5, 0.1
_CALLS = 200
_COMMANDS = ("x = 1", "x += 1", "x", "def f(n): return n * x", "f(2)") * 2
_FRAME = "import pandas as pd\ndf = pd.DataFrame({'n': range(100_000)})\nlen(df)"


def rows() -> list[Row]:
    """Measure sessions of this program."""
    with SessionSync() as session:
        session.run("x = 1").kept()
        turn = Row("a turn after 100 ms of thought", _thought(session), at_most=0.0025)
    opening = Row("open a session, and ten turns", _median(_OPENINGS, _ten))
    with tempfile.TemporaryDirectory() as folder, SessionSync(imports=["pandas"]) as session:
        session.run(_FRAME).kept()
        fork = Row("fork with 100,000 rows, first answer", _median(_FORKS, lambda: _fork(session)))
        path = Path(folder, "state")
        with SessionSync() as small:
            small.run("x = list(range(1000))").unwrap()
            small.save(path)
        saved = Row("load from a file, first answer", _median(_FILES, lambda: _loaded(path)))
    return [
        turn,
        opening,
        fork._replace(at_most=0.04),
        saved._replace(at_most=0.15),
        Row("a call of a function of the host", _called(), at_most=0.0005),
    ]


def _median(times: int, do: Callable[[], object]) -> float:
    do()
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        do()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def _thought(session: SessionSync) -> float:
    taken = []
    for _ in range(_TURNS):
        time.sleep(_THOUGHT)
        begin = time.perf_counter()
        session.run("x")
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def _ten() -> None:
    with SessionSync() as session:
        for code in _COMMANDS:
            session.run(code)


def _fork(session: SessionSync) -> None:
    fork = session.fork()
    fork.run("df.n.sum()").unwrap()
    fork.close()


def _loaded(path: Path) -> None:
    with SessionSync.load(path) as session:
        session.run("len(x)").unwrap()


def _called() -> float:
    with SessionSync(tools={"same": lambda value: value}) as session:
        session.run("same(1)").unwrap()
        code = (
            "import time\nbegin = time.perf_counter()\n"
            f"for _ in range({_CALLS}): same(1)\n(time.perf_counter() - begin) / {_CALLS}"
        )
        return float(session.run(code).unwrap())
