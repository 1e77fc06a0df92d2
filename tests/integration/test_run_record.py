"""The record of real runs: sub-tasks, retries, refusals, cancellations, and how each began."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from capsule.lifecycle import reader
from capsule.lifecycle.reader import Filters
from capsule.lifecycle.recorder import Recorder
from capsule.pool.prepared_task import PreparedTask, Warmth, run_in_turn
from capsule.pool.run_queue import QueuedRun
from capsule.pool.slots import Slots
from capsule.process.cancel import Cancellation
from capsule.runner import attempt_events, prepare
from capsule.runner.observer import NOBODY, Nobody
from capsule.runner.run import run
from capsule.runner.source import read_text
from tests.integration.command import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.lifecycle.reader import Node
    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Output
    from capsule.runner.observer import Which
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

HEAD = "from capsule import task\n"
FAMILY = """
@task(max_retries=2, compute="LOW")
def shaky(text):
    print("trying", text[:3])
    1 / 0
@task(timeout="200ms")
def slow():
    import time
    time.sleep(9)
@task(ram="1KB")
def small(): pass
@task()
def deep():
    try: import ctypes; return quick()["result"]
    except ImportError: return quick()["result"]
@task()
def quick(): return "SECRET-RESULT"
@task(name="main")
def main(arg):
    import capsule_guest.calls as calls
    shaky("SECRET-ARGUMENT")
    slow()
    small()
    return deep()["result"]
"""


def recorded(bench: Workbench, home: Path, source: str, *args: object) -> Envelope:
    with Recorder(home, pytest.fail) as recorder, Cancellation() as never:
        order = bench.order(HEAD + source, args)._replace(ledger=recorder)
        return run(order, NOBODY, never)


def shape(node: Node) -> list[object]:
    row = node.attempt
    return [(row.task, row.number, row.state, row.error_type), *map(shape, node.below)]


def all_of(nodes: tuple[Node, ...]) -> list[Node]:
    return [found for node in nodes for found in (node, *all_of(node.below))]


def test_a_run_with_all_that_it_called(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    envelope = recorded(bench, home, FAMILY, "SECRET-VALUE")
    assert envelope["result"] == "SECRET-RESULT", envelope["error"]
    found = reader.run(home, "latest")
    assert envelope["execution"]["run_id"] == found.id
    (root,) = found.attempts
    failed = ("failed", "task_error")
    assert shape(root) == [
        ("main", 0, "completed", None),
        [("shaky", 0, *failed)], [("shaky", 1, *failed)], [("shaky", 2, *failed)],
        [("slow", 0, "timed_out", "timeout")],
        [("small", 0, "failed", "memory_exceeded")],
        [("deep", 0, "completed", None), [("quick", 0, "completed", None)]],
    ]  # fmt: skip
    rows = [node.attempt for node in all_of(found.attempts)]
    assert [row.id for row in rows] == [f"{found.id}.{count}" for count in range(1, 9)]
    shaky = rows[1:4]
    assert [row.retry_of for row in shaky] == [None, shaky[0].id, shaky[1].id]
    assert {row.stdout for row in shaky} == {"trying SEC\n"}
    assert "ZeroDivisionError" in (shaky[0].traceback or "")
    assert {row.compute for row in shaky} == {100_000_000}
    for row in rows:
        began = row.started_ns or row.created_ns
        assert row.ended_ns is not None
        assert row.elapsed_ns is not None
        assert row.created_ns <= began <= row.ended_ns
        assert row.file == "-"
        assert (row.landlock > 0, row.seccomp) == (bool(row.landlock), int(bool(row.landlock)))
    assert (rows[0].fuel_consumed, rows[0].ram_used) == (
        envelope["execution"]["fuel_consumed"], envelope["execution"]["ram_used"],
    )  # fmt: skip
    assert rows[5].started_ns is None
    assert rows[5].how is None
    assert rows[0].how == "cold"
    # No values: the task printed the start of one itself.
    content = b"".join(path.read_bytes() for path in (home / "lifecycle").glob("runs.db*"))
    for secret in (b"SECRET-ARGUMENT", b"SECRET-RESULT", b"SECRET-VALUE"):
        assert secret not in content


def test_calls_of_no_task_are_kept(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (bench.project / "capsule.toml").write_text("[limits]\nrun_tasks = 1\n")
    recorded(
        bench,
        home,
        "@task()\ndef one(): pass\n@task(name='main')\ndef main():\n    one(); one()\n",
    )
    (root,) = reader.run(home, "latest").attempts
    assert shape(root) == [
        ("main", 0, "completed", None),
        [("one", 0, "completed", None)],
        [("one", 0, "failed", "policy_error")],
    ]


WORDY = """
@task(name="wordy")
def wordy():
    error = ValueError("m" * 5000)
    error.add_note("note" * 10_000)
    raise error
@task(name="main")
def main():
    for _ in range(6): wordy()
"""


def test_errors_of_a_hostile_run_do_not_fill_the_record(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(attempt_events, "_MOST_BYTES_BELOW", 150_000)
    assert recorded(bench, home, WORDY)["success"]
    (root,) = reader.run(home, "latest").attempts
    kept = [
        (len(node.attempt.message or ""), len(node.attempt.traceback or "") > 40_000)
        for node in root.below
    ]
    assert kept == [(5012, True)] * 2 + [(1000, False)] * 4


def test_how_each_began(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    with Recorder(home, pytest.fail) as recorder, Cancellation() as never:
        text = "def main(): return 1"
        order = bench.order(text)._replace(ledger=recorder)
        source = read_text(text.encode(), bench.project)
        with PreparedTask(order, source, Warmth(1), never) as prepared:
            assert prepared.pool is not None
            assert prepared.pool.wait_until_ready(60)
            prepared.run(prepare.Call(), NOBODY, never)
        run(order, NOBODY, never)
        # What it opens while it is imported is no part of a snapshot.
        plain = bench.order("f = open('/tmp/x', 'w')\ndef main(): return 1")
        run(plain._replace(ledger=recorder), NOBODY, never)
    assert [run.last.how for run in reader.runs(home)] == ["plain", "cold", "warm"]


class CancellableProgress(Nobody):
    """Cancels the run when it begins."""

    def __init__(self, stop: Cancellation) -> None:
        self._stop = stop

    def started(self, which: Which, policy: Policy) -> Output:
        self._stop.cancel()
        return self


def test_a_run_that_is_cancelled(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    with Recorder(home, pytest.fail) as recorder, Cancellation() as stop:
        order = bench.order("def main():\n    while True: pass")
        run(order._replace(ledger=recorder), CancellableProgress(stop), stop)
    (summary,) = reader.runs(home)
    assert (summary.last.state, summary.last.error_type) == ("cancelled", "cancelled")


def test_a_run_that_is_cancelled_before_its_turn(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    slots = Slots(1)
    with Recorder(home, pytest.fail) as recorder, Cancellation() as stop, Cancellation() as never:
        order = bench.order("def main(): return 1")._replace(ledger=recorder)
        stop.cancel()
        with slots.slot("another", never):
            envelope = run_in_turn(order, NOBODY, stop, queued=QueuedRun("mine", slots=slots))
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "cancelled"
    (summary,) = reader.runs(home)
    assert (summary.last.state, summary.last.task) == ("cancelled", "main")
    assert summary.last.message == "the run was cancelled before its turn"


def test_forty_runs_at_once(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    with Recorder(home, pytest.fail) as recorder, Cancellation() as never:
        order = bench.order("def main(): return 1")._replace(ledger=recorder)
        run(order, NOBODY, never)

        def work() -> None:
            for _ in range(5):
                run(order, NOBODY, never)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = reader.runs(home, Filters(limit=100))
    assert len({summary.last.run for summary in found}) == 41
    assert {summary.last.state for summary in found} == {"completed"}
    assert reader.running(home) == []


KILLED = """
import sys
from pathlib import Path
from capsule.lifecycle.recorder import Recorder
from capsule.process.cancel import Cancellation
from capsule.runner.observer import Nobody
from capsule.runner.run import run
from tests.integration.workbench import Workbench

class Telling(Nobody):
    def stdout(self, data): print("printed", flush=True)

bench = Workbench(Path(sys.argv[1]), Path(sys.argv[2]))
recorder = Recorder(Path(sys.argv[3]), print)
write = recorder._write
def watched(store, rows):
    done = write(store, rows)
    if rows[0].running: print("written", flush=True)
    return done
recorder._write = watched
order = bench.order("import time\\ndef main():\\n    print('x')\\n    time.sleep(3600)")
with Cancellation() as never:
    run(order._replace(ledger=recorder), Telling(), never)
"""


def test_a_run_whose_program_is_killed(
    toolchain_home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, toolchain_home, tmp_path, home],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout:
        said = {process.stdout.readline(), process.stdout.readline()}
        assert said == {"printed\n", "written\n"}
        (node,) = reader.running(home)
        assert (node.attempt.state, node.attempt.host_pid) == ("running", process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert reader.running(home) == []
    (summary,) = reader.runs(home)
    assert (summary.last.state, summary.last.error_type) == ("failed", "host_died")
