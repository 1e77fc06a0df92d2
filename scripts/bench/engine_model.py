"""The model of docs/scale.md for a long batch, held to a batch that is really done over Dask.

`python -m scripts.bench.engine_model [COUNT]`: 20,000 items of a task that only answers, over a
scheduler and a worker on this machine. It fails where the model is off by more than it may be.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import psutil

from capsule import SandboxSync
from capsule.processors import usable_processors
from scripts.bench.commands import HELLO
from scripts.bench.engine_batches import dask

if TYPE_CHECKING:
    from capsule.sdk.engine import Engine

_ITEMS = 20_000
# What is left of the processors beside the engine, as the page has it.
SHARE = 0.9
# How much more, and less, a batch may take than the model says, of processors and by the clock. It
# is there to plan with, so that less is no harm.
_MORE, _LESS = 1.1, 0.7
_BENCH_SECONDS = 10
_BATCHES_OF_ONE = 5


class Measured(NamedTuple):
    """What a batch took, in seconds: by the clock, and of processors.

    `free` is how many processors' time was there for it: what others did not use.
    """

    wall: float
    own: float
    scheduler: float
    workers: float
    free: float

    @property
    def processors(self) -> float:
        """Seconds of processors in all."""
        return self.own + self.scheduler + self.workers


def modelled(items: int, processor_ms: float) -> float:
    """Return the seconds of a processor that so many items take, by the model.

    >>> modelled(20_000, 9.0)
    200.0
    """
    return items * processor_ms / 1000 / SHARE


def holds(measured: float, by_model: float) -> bool:
    """Say whether what was measured is near enough to what the model says.

    >>> holds(10.9, 10), holds(11.1, 10), holds(7.1, 10), holds(6.9, 10)
    (True, False, True, False)
    """
    return _LESS * by_model <= measured <= _MORE * by_model


def main() -> int:
    """Measure, print the model beside it, and say by the exit code whether it holds."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else _ITEMS
    with tempfile.TemporaryDirectory(prefix="capsule-engines-") as name:
        folder = Path(name)
        (folder / "hello.py").write_text(HELLO)
        before = _processor_ms(folder)
        with dask(folder) as engine, SandboxSync(folder / "hello.py", warm=0) as sandbox:
            _run(sandbox, engine, 10 * usable_processors())
            beginning = median(_batch(sandbox, engine, 1).wall for _ in range(_BATCHES_OF_ONE))
            done = _batch(sandbox, engine, items)
        each = (before + _processor_ms(folder)) / 2
    seconds = modelled(items, each)
    wall = seconds / done.free + beginning
    good = holds(done.processors, seconds) and holds(done.wall, wall)
    print(
        f"{items:,} items over Dask, {usable_processors()} processors,"
        f" of which others left {done.free:.2f}\n"
        f"processor_ms of capsule bench   {each:.2f} ({before:.2f} before the batch)\n"
        f"a batch of one                  {beginning:.2f} s\n"
        f"                                model    measured\n"
        f"seconds of a processor          {seconds:<8.1f} {done.processors:.1f}\n"
        f"by the clock                    {wall:<8.1f} {done.wall:.1f}\n"
        f"of an item, in ms: program {_each(done.own, items)}, scheduler"
        f" {_each(done.scheduler, items)}, workers with sandboxes {_each(done.workers, items)};"
        f" share {each * items / 1000 / done.processors:.2f}\n"
        f"{'the model holds' if good else 'NO: the model does not hold'}"
    )
    return 0 if good else 1


def _each(seconds: float, items: int) -> str:
    return f"{1000 * seconds / items:.2f}"


def _processor_ms(folder: Path) -> float:
    """Return what a run takes of a processor, as `capsule bench` says it."""
    words = ("-m", "capsule", "bench", "hello.py", "1", "--json", "--seconds", str(_BENCH_SECONDS))
    said = subprocess.run((sys.executable, *words), cwd=folder, stdout=subprocess.PIPE, check=True)
    return float(json.loads(said.stdout)["processor_ms"])


def _batch(sandbox: SandboxSync, engine: Engine, items: int) -> Measured:
    """Do a batch, and return what it took."""
    begin, before, all_before = time.monotonic(), _used(), _used_by_all()
    _run(sandbox, engine, items)
    wall, after = time.monotonic() - begin, _used()
    own, scheduler, workers = (
        later - earlier for later, earlier in zip(after, before, strict=True)
    )
    others = max(0.0, _used_by_all() - all_before - own - scheduler - workers)
    free = max(0.1, usable_processors() - others / wall)
    return Measured(wall, own, scheduler, workers, free)


def _run(sandbox: SandboxSync, engine: Engine, items: int) -> None:
    count = 0
    for envelope in sandbox.map((1 for _ in range(items)), engine=engine):
        if envelope.result != "hello ":
            raise SystemExit(f"a run failed: {envelope}")
        count += 1
    if count != items:
        raise SystemExit(f"{count} of {items} items came back")


def _used() -> tuple[float, float, float]:
    """Return the seconds of processors of this program, of the scheduler and of the workers."""
    own = psutil.Process().cpu_times()
    found = {"scheduler": 0.0, "worker": 0.0}
    for command in psutil.Process().children():
        words = " ".join(command.cmdline())
        for what in found:
            if f"dask_{what}" in words:
                found[what] += sum(
                    _of(each) for each in (command, *command.children(recursive=True))
                )
    return own.user + own.system, found["scheduler"], found["worker"]


def _of(process: psutil.Process) -> float:
    """Return what a process used, with what it started and has ended."""
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        return float(used.user + used.system + used.children_user + used.children_system)
    return 0.0


def _used_by_all() -> float:
    whole = psutil.cpu_times()
    return float(sum(getattr(whole, name, 0.0) for name in ("user", "nice", "system", "steal")))


if __name__ == "__main__":
    sys.exit(main())
