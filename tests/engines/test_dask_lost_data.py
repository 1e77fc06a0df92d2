"""What Dask keeps in the memory of workers, lost with them: items that wait, and their results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import distributed
import psutil
import pytest

from tests.engines.clusters import DaskProcesses, killing_workers, until
from tests.integration.command import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.origin import Origin

TASK = """
import urllib.request
from capsule import task

@task(name="main", allowed_hosts=["127.0.0.1:{port}"], timeout="30s")
def main(n, more=""):
    urllib.request.urlopen("http://127.0.0.1:{port}/item/" + str(n)).read()
    for _ in range(200_000):
        pass
    return n
"""
PROGRAM = """
import json
from capsule import SandboxSync
from capsule.engines import Dask
with SandboxSync("calls.py", warm=0) as sandbox:
    engine = Dask({address!r}, retry_lost={retry_lost})
    for each in sandbox.map(range({count}), engine=engine):
        kind = each.error and each.error.error_type
        print(json.dumps([each.index, each.result, kind]), flush=True)
"""
# More than travels inside of a task.
LARGE = 9 << 20


@pytest.fixture
def two_workers(tmp_path: Path, toolchain_home: Path) -> Iterator[DaskProcesses]:
    """Two processes, each of which does one chunk at a time."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = DaskProcesses(folder, toolchain_home, workers=2, threads=1)
    yield made
    made.close()


def begun_of(origin: Origin) -> Counter[int]:
    """How often each item has begun."""
    return Counter(int(line.rpartition("/")[2]) for line in origin.seen)


@pytest.mark.parametrize("retry_lost", [False, True])
def test_items_that_wait_in_a_worker_that_dies(
    two_workers: DaskProcesses, origin: Origin, retry_lost: bool
) -> None:
    Path("calls.py").write_text(TASK.format(port=origin.server_port))
    count = 24
    items = ([n, "x" * LARGE] for n in range(count))
    found, killed = killing_workers(two_workers, items, (3, 9), retry_lost=retry_lost, spread=True)
    begun = begun_of(origin)
    assert killed == 2
    assert sorted(envelope.index for envelope in found) == list(range(count))
    good = {envelope.index for envelope in found if envelope.success}
    assert all(envelope.result == envelope.index for envelope in found if envelope.success)
    assert good <= begun.keys()
    if retry_lost:
        assert good == set(range(count))
        return
    assert max(begun.values()) == 1
    # Of each worker that died, what it did just then, and what it had done last: what only waited
    # in its memory is done by another.
    assert count - len(good) <= 2 * killed


@pytest.mark.timeout(180)
@pytest.mark.parametrize("retry_lost", [False, True])
def test_results_that_a_worker_has_when_it_dies(
    two_workers: DaskProcesses, origin: Origin, tmp_path: Path, retry_lost: bool
) -> None:
    """Nobody takes them meanwhile: the program is stopped until all that it gave out is done."""
    count = 200
    (tmp_path / "calls.py").write_text(TASK.format(port=origin.server_port))
    program = PROGRAM.format(address=two_workers.address, retry_lost=retry_lost, count=count)
    out = tmp_path / "out.jsonl"
    with out.open("wb") as stdout, distributed.Client(two_workers.address) as client:
        driver = subprocess.Popen(
            (sys.executable, "-c", program),
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            cwd=tmp_path,
            stdout=stdout,
        )
        try:
            until(lambda: out.read_bytes().count(b"\n") > 20, "results")
            driver.send_signal(signal.SIGSTOP)
            until(lambda: _all_is_done(client), "end of all that was given out")
            held = {worker: keys for worker, keys in client.has_what().items() if keys}
            assert held
            worker = next(iter(held))
            psutil.Process(client.run(os.getpid, workers=[worker])[worker]).kill()
            until(lambda: worker not in client.scheduler_info()["workers"], "loss of the worker")
        finally:
            driver.send_signal(signal.SIGCONT)
        assert driver.wait(90) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(index for index, _, _ in rows) == list(range(count))
    failed = [index for index, _, kind in rows if kind is not None]
    assert all(index == result for index, result, kind in rows if kind is None)
    begun = begun_of(origin)
    assert begun.keys() == set(range(count))
    if retry_lost:
        assert failed == []
        assert max(begun.values()) == 2
    else:
        assert {kind for *_, kind in rows if kind is not None} == {"sandbox_crashed"}
        assert max(begun.values()) == 1


def _all_is_done(client: Any) -> bool:
    """Say whether the scheduler has tasks of a batch, and each has ended."""

    def states(dask_scheduler: Any = None) -> list[str]:
        tasks = dask_scheduler.tasks.items()
        return [task.state for key, task in tasks if str(key).startswith("capsule-")]

    found = client.run_on_scheduler(states)
    return bool(found) and all(state == "memory" for state in found)
