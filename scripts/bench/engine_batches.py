"""Batches over engines, against the map without one: the same items, the same number at once.

Clusters are processes of their own on this machine, so what they cost is taken from the same
processors. `python -m scripts.bench.engine_batches COUNT` streams so many items through each way,
and prints how much memory the program has meanwhile.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from capsule import SandboxSync
from capsule.processors import usable_processors as cores
from scripts.bench.commands import HELLO
from scripts.bench.timing import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capsule import Envelope
    from capsule.sdk.engine import Engine

# Long enough that the beginning of a batch, which is measured by itself, is a small part.
_ITEMS, _ROUNDS = 300, 11
_SIZES = (1, 10, 100, 1000)
_LEAST = {"dask": 0.9, "ray": 0.85}
_SECONDS = 60.0
# Megabytes that the program may have more at the end of a stream than after a tenth of it.
_GROWTH = 8.0
_STREAM = 1_000


@contextmanager
def clusters(folder: Path) -> Iterator[dict[str, Engine]]:
    """Start a cluster of each engine that is installed, with as many slots as processors."""
    with ExitStack() as owned:
        found: dict[str, Engine] = {}
        if find_spec("distributed"):
            found["dask"] = owned.enter_context(dask(folder))
        if find_spec("ray"):
            found["ray"] = owned.enter_context(_ray())
        yield found


@contextmanager
def dask(folder: Path) -> Iterator[Engine]:
    """Start a scheduler, and a worker with as many threads as processors."""
    from capsule.engines import Dask

    file = folder / "scheduler.json"
    common = ("--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1")
    worker = (
        "--nworkers",
        "1",
        "--nthreads",
        str(cores()),
        "--local-directory",
        str(folder),
    )
    address = ""
    with (folder / "dask.log").open("wb") as log, ExitStack() as owned:
        for what, more in (("scheduler", ("--port", "0")), ("worker", worker)):
            words = (sys.executable, "-m", f"distributed.cli.dask_{what}", *common, *more)
            process = subprocess.Popen(words, stdout=log, stderr=log)
            owned.callback(_end, process)
            deadline = time.monotonic() + _SECONDS
            while not (address := _address(file)):
                if time.monotonic() > deadline:
                    raise SystemExit("Dask's scheduler does not start")
                time.sleep(0.05)
        yield Dask(address)


def _address(file: Path) -> str:
    """Return what a scheduler has written; empty while that is not whole."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _ray() -> Iterator[Engine]:
    import ray

    from capsule.engines import Ray

    ray.init(
        address="local",
        num_cpus=cores(),
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=200 << 20,
    )
    try:
        yield Ray()
    finally:
        ray.shutdown()


def rows() -> list[Row]:
    """Measure throughput, what an item costs more, and memory; nothing where none is installed."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="capsule-engines-") as name:
        folder = Path(name)
        task = folder / "hello.py"
        task.write_text(HELLO)
        with (
            clusters(folder) as engines,
            SandboxSync(task, warm=cores()) as sandbox,
        ):
            ways: dict[str, Engine | None] = {"map": None, **engines}
            for engine in ways.values():
                _took(sandbox, engine, 10 * cores())
            rates = _rates(sandbox, ways)
            found += [
                Row(
                    f"{each}: {_ITEMS} items, {cores()} at once",
                    statistics.median(rates[each]),
                    statistics.median(rates["map"]),
                    "map",
                    least=_LEAST[each],
                    rate=True,
                )
                for each in engines
            ]
            found += [
                Row(
                    f"{each}: more than map for an item, of {size}",
                    1000 * more,
                    unit="ms",
                )
                for each, engine in engines.items()
                for size, more in _overheads(sandbox, engine).items()
            ]
            found += [
                Row(
                    f"{each}: memory that {_STREAM} items add",
                    _streamed(sandbox, engine, _STREAM)[-1],
                    at_most=_GROWTH,
                    unit="MB",
                )
                for each, engine in ways.items()
            ]
    return found


def _took(sandbox: SandboxSync, engine: Engine | None, count: int) -> float:
    begin = time.perf_counter()
    done = [envelope.result for envelope in _results(sandbox, engine, [1] * count)]
    if done != ["hello "] * count:
        raise SystemExit("a run failed")
    return time.perf_counter() - begin


def _results(
    sandbox: SandboxSync, engine: Engine | None, items: Iterable[int]
) -> Iterator[Envelope]:
    # An engine has as many slots, and a chunk that waits behind each.
    return sandbox.map(items, concurrency=cores() if engine is None else None, engine=engine)


def _rates(sandbox: SandboxSync, ways: dict[str, Engine | None]) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, engine in ways.items():
            rates[name].append(_ITEMS / _took(sandbox, engine, _ITEMS))
    return rates


def _overheads(sandbox: SandboxSync, engine: Engine) -> dict[int, float]:
    """Return the seconds that an item takes more over an engine, by the size of the batch."""
    found = {}
    for size in _SIZES:
        more = [
            (_took(sandbox, engine, size) - _took(sandbox, None, size)) / size
            for _ in range(1 if size > 100 else 5)
        ]
        found[size] = statistics.median(more)
    return found


def _streamed(sandbox: SandboxSync, engine: Engine | None, count: int) -> list[float]:
    """Return the megabytes that this program has at each tenth, and what the last nine added."""
    process, seen = psutil.Process(), []
    items = (1 for _ in range(count))
    for number, _ in enumerate(_results(sandbox, engine, items), 1):
        if number % (count // 10) == 0:
            seen.append(process.memory_info().rss / 2**20)
    return [*seen, max(seen) - seen[0]]


def main() -> int:
    """Stream so many items through each way, and print the memory at each tenth."""
    count = int(sys.argv[1])
    named = sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="capsule-engines-") as name:
        task = Path(name, "hello.py")
        task.write_text(HELLO)
        with (
            clusters(Path(name)) as engines,
            SandboxSync(task, warm=cores()) as sandbox,
        ):
            for each, engine in {"map": None, **engines}.items():
                if named and each not in named:
                    continue
                begin, before = time.monotonic(), psutil.Process().cpu_times()
                *seen, added = _streamed(sandbox, engine, count)
                took, after = time.monotonic() - begin, psutil.Process().cpu_times()
                own = after.user + after.system - before.user - before.system
                print(
                    f"{each}: {count:,} items in {took:.0f} s, {count / took:.1f} a second; MB at"
                    f" each tenth: {' '.join(f'{one:.1f}' for one in seen)}; added {added:.1f};"
                    f" {1000 * own / count:.2f} ms of a processor for an item in this program",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
