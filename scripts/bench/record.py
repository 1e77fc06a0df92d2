"""The record of runs: what it adds to a call, and how fast it is read when there is much in it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.lifecycle import ids
from capsule.lifecycle.events import Created, Ended, Running
from capsule.lifecycle.recorder import open_recorder
from capsule.pool.prepared_task import PreparedTask, Warmth
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.source import read_text
from scripts.bench.commands import HELLO, commands
from scripts.bench.processes import order
from scripts.bench.timing import Row, by_turns, told_by_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capsule.lifecycle.events import State
    from capsule.process.cancel import Cancellation

_CALLS, _LOOKS = 400, 25
_ATTEMPTS, _OF_A_RUN = 10_000, 4
# The recorder holds so many rows that are not written yet, and drops what comes above.
_AT_ONCE = 1_000
# How long a process may take until it waits, and the record until it is written.
_SECONDS = 20.0


def added(home: Path, cancellation: Cancellation) -> list[Row]:
    """Measure a call to a process that waits, with and without a record of it."""
    silent, source = order(home, HELLO), read_text(HELLO.encode(), Path.cwd())
    with (
        tempfile.TemporaryDirectory() as folder,
        open_recorder(Path(folder), _fail) as recorder,
        PreparedTask(silent, source, Warmth(2), cancellation) as off,
        PreparedTask(silent._replace(ledger=recorder), source, Warmth(2), cancellation) as on,
    ):

        async def once(prepared: PreparedTask) -> float:
            if prepared.pool is None or not prepared.pool.wait_until_ready(_SECONDS):
                raise SystemExit("no process came to wait")
            begin = time.perf_counter()
            envelope = prepared.run(prepare.Call((2,)), NOBODY, cancellation)
            taken = time.perf_counter() - begin
            if not envelope["success"]:
                raise SystemExit("a run failed")
            return taken

        calls = {"off": lambda: once(off), "on": lambda: once(on)}
        taken = asyncio.run(told_by_turns(_CALLS, calls))
    return [Row("warm call, recorded", taken["on"], taken["off"], "not recorded", 1.05)]


def read(home: Path) -> list[Row]:
    """Measure `ps` and `trace` with ten thousand recorded attempts, as whole commands."""
    with commands(home, None) as given:
        record = given.folder / "home"
        runs = [_fill(record) for _ in range(_ATTEMPTS // _AT_ONCE)]
        words = {
            "trace": ("trace",),
            "trace, by state and task": ("trace", "--state", "failed", "--task", "below"),
            "trace of a run": ("trace", runs[0]),
            "ps": ("ps",),
        }

        def looking(said: Sequence[str]) -> Callable[[], None]:
            return lambda: given.plain(*said, CAPSULE_HOME=str(record))

        taken = by_turns(_LOOKS, {name: looking(said) for name, said in words.items()})
    return [Row(f"{name}, {_ATTEMPTS:,} attempts", taken[name], at_most=0.3) for name in words]


def _fill(home: Path) -> str:
    """Record as many attempts as a recorder holds at once, and return the first run."""
    first = run = ids.new_run()
    with open_recorder(home, _fail) as recorder:
        for number in range(_AT_ONCE):
            place = number % _OF_A_RUN
            run = run if place or not number else ids.new_run()
            made = Created(
                ids.of_attempt(run, place + 1),
                run,
                ids.of_attempt(run, 1) if place else None,
                None,
                int(place > 0),
                0,
                "below" if place else "main",
                "hello.py",
                time.time_ns(),
                10**8,
                64 << 20,
                5_000,
                landlock=6,
                seccomp=True,
            )
            recorder.created(made)
            recorder.running(made.id, Running(time.time_ns(), 10**8, 5_000))
            state: State = "failed" if number % 7 == 0 else "completed"
            done = Ended(state, time.time_ns(), 10**6, "warm", 10**6, 42 << 20, 5, stdout="x" * 300)
            recorder.ended(made.id, done)
    return first


def _fail(text: str) -> None:
    raise SystemExit(text)
