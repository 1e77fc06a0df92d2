"""What the guard takes of a call of the system: against one that lets everything pass."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.run import Order, run
from capsule.runner.source import read_text
from capsule.snapshot.guard_module import passing_module
from capsule.toolstore.compile import compile_module
from scripts.bench.processes import checked
from scripts.bench.timing import Row, by_turns

if TYPE_CHECKING:
    from capsule.process.cancel import Cancellation

_ROUNDS, _STARTS = 7, 40
# Each says the seconds that 100 calls took at best: what else the machine does only adds.
_SOURCE = """
import os, posix, time
from capsule import task

@task(allowed_files=["./shared", {"path": "./data", "mode": "ro"}], compute="HIGH")
def main():
    read = posix.open("data/file", os.O_RDONLY)
    shared = posix.open("shared/file", os.O_RDWR)
    private = posix.open("/tmp/file", os.O_RDWR | os.O_CREAT)
    ways = {
        "posix.stat": lambda: posix.stat("data/file"),
        "open and close, to read": lambda: posix.close(posix.open("data/file", os.O_RDONLY)),
        "read 100 bytes": lambda: posix.pread(read, 100, 0),
        "write 100 bytes, user's folder": lambda: posix.pwrite(shared, bytes(100), 0),
        "write 100 bytes, /tmp": lambda: posix.write(private, bytes(100)),
        "make and delete a file, /tmp": lambda: (
            posix.close(posix.open("/tmp/new", os.O_RDWR | os.O_CREAT)),
            posix.unlink("/tmp/new"),
        ),
    }
    taken = {}
    for name, call in ways.items():
        taken[name] = 1.0
        for _ in range(50):
            begin = time.perf_counter()
            for _ in range(100):
                call()
            taken[name] = min(taken[name], time.perf_counter() - begin)
    return taken
"""
# What is promised of those in which little is to be judged.
_BOUNDS = {"posix.stat": 1.1, "open and close, to read": 1.1, "read 100 bytes": 1.1}


def rows(home: Path, cancellation: Cancellation) -> list[Row]:
    """Measure calls in loops of 100, and starts, with the guard and with one that judges none."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name in ("data", "shared"):
            (project / name).mkdir()
            (project / name / "file").write_bytes(bytes(1000))
        orders = _both(_SOURCE, project, home)
        taken: dict[str, dict[str, list[float]]] = {}
        for _ in range(_ROUNDS):
            for way, order in orders.items():
                envelope = run(order, NOBODY, cancellation)
                if envelope["error"] is not None:
                    raise SystemExit(f"a task failed: {envelope['error']}")
                for name, seconds in envelope["result"].items():
                    taken.setdefault(name, {}).setdefault(way, []).append(seconds)
        starts = by_turns(
            _STARTS,
            {
                way: partial(checked, order, cancellation)
                for way, order in _both("def main(): return 1\n", project, home).items()
            },
        )
    found = [
        Row(
            f"100 x {name}",
            min(each["guard"]),
            min(each["passing"]),
            "passing guard",
            _BOUNDS.get(name),
        )
        for name, each in taken.items()
    ]
    start = Row("a new process", starts["guard"], starts["passing"], "passing guard", 1.1)
    return [*found, start]


def _both(source: str, project: Path, home: Path) -> dict[str, Order]:
    read = read_text(source.encode(), project)
    order = prepare.order(read, prepare.Call(), home, Silent())
    base = order.inputs.base
    guard = project / "guard.cwasm"
    launch = base.launch
    compile_module(launch.wasmtime, passing_module(), guard, codegen=launch.codegen)
    passing = base._replace(launch=base.launch._replace(guard=guard))
    return {
        "guard": order,
        "passing": order._replace(inputs=order.inputs._replace(base=passing)),
    }
