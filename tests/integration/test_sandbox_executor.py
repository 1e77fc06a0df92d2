"""`SandboxExecutor` keeps what `concurrent.futures` promises of an executor: a test for each promise."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule import SandboxExecutor, TaskFailedError
from capsule.errors import UsageError
from tests.engines.clusters import until, wasmtimes_here
from tests.integration.command import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

JOB = """
import time
from capsule import task

@task
def double(n, *, by=2):
    return n * by

@task(name="fails", compute="LOW")
def failing(text):
    raise ValueError(text)

@task(timeout="500ms")
def slow():
    time.sleep(1e6)

@task
async def later(n):
    return n

def helper():
    return 1
"""


class Gate:
    """A task that runs until it is let go: it calls a function of the host that waits."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()

    def hold(self, n: int) -> int:
        self.begun.release()
        assert self.opened.wait(60)
        return n


GATED = """
from capsule import task, tools

@task
def held(n):
    return tools.hold(n)

@task
def plain(n):
    return n
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    monkeypatch.chdir(tmp_path)
    Path("job.py").write_text(JOB)
    Path("gated.py").write_text(GATED)


@pytest.fixture
def executor() -> Iterator[SandboxExecutor]:
    with SandboxExecutor("job.py", 2) as made:
        yield made


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


def gated(gate: Gate, workers: int = 1) -> SandboxExecutor:
    return SandboxExecutor("gated.py", workers, tools={"hold": gate.hold})


def imported(name: str = "job") -> Any:
    import importlib.util

    spec = importlib.util.spec_from_file_location(name, f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_an_executor(executor: SandboxExecutor) -> None:
    assert isinstance(executor, futures.Executor)
    assert isinstance(executor.submit("double", 1), futures.Future)


def test_submit_gives_the_result_of_a_task_by_its_name(executor: SandboxExecutor) -> None:
    assert executor.submit("double", 4).result() == 8
    assert executor.submit("double", "ab", by=3).result() == "ababab"
    assert executor.submit("later", [1, {"a": None}]).result() == [1, {"a": None}]


def test_submit_takes_the_task_function_itself(executor: SandboxExecutor) -> None:
    module = imported()
    assert executor.submit(module.double, 4, by=5).result() == 20
    failed = executor.submit(module.failing, "no")
    assert isinstance(failed.exception(), TaskFailedError)


def test_functions_of_the_host_are_refused(executor: SandboxExecutor) -> None:
    module = imported()

    def double(n: int) -> int:
        return n

    wrongs: list[Any] = [double, print, lambda: 1, module.helper, 3, None]
    for wrong in wrongs:
        with pytest.raises(
            UsageError, match=r"is no task of job\.py, and functions of this program"
        ):
            executor.submit(wrong)
    with pytest.raises(UsageError, match=r"has no task 'duble'; it has 'double', 'fails'") as error:
        executor.submit("duble")
    assert error.value.hint == "double"


def test_a_task_that_fails_raises_where_its_result_is_asked_for(executor: SandboxExecutor) -> None:
    future = executor.submit("fails", "no luck")
    with pytest.raises(TaskFailedError, match="task_error: ValueError: no luck") as raised:
        future.result()
    assert future.exception() is raised.value
    assert raised.value.envelope.error is not None
    assert raised.value.envelope.error.error_type == "task_error"
    assert future.done()
    assert not future.cancelled()


def test_a_tasks_own_timeout_fails_it(executor: SandboxExecutor) -> None:
    with pytest.raises(TaskFailedError, match="timeout: "):
        executor.submit("slow").result()


def test_arguments_that_are_no_json_fail_the_future(executor: SandboxExecutor) -> None:
    future = executor.submit("double", {1, 2})
    with pytest.raises(UsageError, match="not JSON values"):
        future.result()


def test_the_states_of_a_future(gate: Gate) -> None:
    with gated(gate) as executor:
        running = executor.submit("held", 1)
        assert gate.begun.acquire(timeout=60)
        pending = executor.submit("plain", 2)
        assert running.running()
        assert not running.done()
        assert not pending.running()
        assert not pending.done()
        gate.opened.set()
        assert [running.result(), pending.result()] == [1, 2]
        assert running.done()
        assert not running.running()


def test_what_waits_can_be_cancelled_and_what_runs_cannot(gate: Gate) -> None:
    with gated(gate) as executor:
        running = executor.submit("held", 1)
        assert gate.begun.acquire(timeout=60)
        pending = executor.submit("plain", 2)
        assert pending.cancel()
        assert pending.cancelled()
        assert not running.cancel()
        with pytest.raises(futures.CancelledError):
            pending.result()
        gate.opened.set()
        assert running.result() == 1


def test_result_and_exception_wait_no_longer_than_they_may(gate: Gate) -> None:
    with gated(gate) as executor:
        running = executor.submit("held", 1)
        assert gate.begun.acquire(timeout=60)
        for asked in (running.result, running.exception):
            with pytest.raises(TimeoutError):
                asked(timeout=0.05)
        gate.opened.set()
        assert running.result(timeout=60) == 1


def test_callbacks_are_called_once_it_is_done(executor: SandboxExecutor) -> None:
    seen: list[Any] = []
    called = threading.Event()

    def callback(future: futures.Future[Any]) -> None:
        seen.append(future.result())
        called.set()

    future = executor.submit("double", 3)
    future.add_done_callback(callback)
    assert called.wait(60)
    future.add_done_callback(callback)
    assert seen == [6, 6]


def test_wait(gate: Gate) -> None:
    with gated(gate, 2) as executor:
        running, quick = executor.submit("held", 1), executor.submit("plain", 2)
        first = futures.wait([running, quick], return_when=futures.FIRST_COMPLETED)
        assert first.done == {quick}
        assert first.not_done == {running}
        late = futures.wait([running], timeout=0.05)
        assert late.not_done == {running}
        gate.opened.set()
        assert futures.wait([running, quick]).done == {running, quick}


def test_wait_for_the_first_exception(gate: Gate) -> None:
    with gated(gate, 2) as executor, SandboxExecutor("job.py", 1) as other:
        running, failed = executor.submit("held", 1), other.submit("fails", "x")
        found = futures.wait([running, failed], return_when=futures.FIRST_EXCEPTION)
        assert found.done == {failed}
        gate.opened.set()


def test_as_completed(gate: Gate) -> None:
    with gated(gate, 2) as executor:
        running, quick = executor.submit("held", 1), executor.submit("plain", 2)
        order = futures.as_completed([running, quick])
        assert next(order) is quick
        gate.opened.set()
        assert list(order) == [running]


def test_as_completed_waits_no_longer_than_it_may(gate: Gate) -> None:
    with gated(gate) as executor:
        running = executor.submit("held", 1)
        with pytest.raises(TimeoutError):
            list(futures.as_completed([running], timeout=0.05))
        gate.opened.set()


def test_map_gives_results_in_the_order_of_the_items(executor: SandboxExecutor) -> None:
    assert list(executor.map("double", range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert list(executor.map("double", range(5), chunksize=2)) == [0, 2, 4, 6, 8]
    module = imported()
    assert list(executor.map(module.later, "abc")) == ["a", "b", "c"]


def test_map_takes_several_iterables_and_stops_at_the_shortest() -> None:
    Path("add.py").write_text("from capsule import task\n@task\ndef add(a, b): return a + b\n")
    with SandboxExecutor("add.py") as executor:
        assert list(executor.map("add", [1, 2, 3], [10, 20])) == [11, 22]


def test_map_raises_at_the_item_that_failed(executor: SandboxExecutor) -> None:
    results = executor.map("fails", ["one", "two"])
    with pytest.raises(TaskFailedError, match="ValueError: one"):
        next(results)


def test_map_waits_no_longer_than_it_may(gate: Gate) -> None:
    with gated(gate) as executor:
        with pytest.raises(TimeoutError):
            list(executor.map("held", [1], timeout=0.05))
        gate.opened.set()


def test_at_most_so_many_run_at_once(gate: Gate) -> None:
    with gated(gate, 2) as executor:
        runs = [executor.submit("held", n) for n in range(4)]
        for _ in range(2):
            assert gate.begun.acquire(timeout=60)
        assert [run.running() for run in runs] == [True, True, False, False]
        gate.opened.set()
        assert [run.result() for run in runs] == [0, 1, 2, 3]


def test_the_end_of_the_block_waits_for_what_runs_and_leaves_no_process(gate: Gate) -> None:
    with gated(gate, 2) as executor:
        runs = [executor.submit("held", n) for n in range(3)]
        assert gate.begun.acquire(timeout=60)
        threading.Timer(0.2, gate.opened.set).start()
    assert [run.done() for run in runs] == [True] * 3
    assert wasmtimes_here() == []


def test_shutdown_takes_no_more_calls(executor: SandboxExecutor) -> None:
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit("double", 1)
    executor.shutdown()


def test_shutdown_with_cancel_futures_ends_what_waits(gate: Gate) -> None:
    executor = gated(gate)
    running = executor.submit("held", 1)
    assert gate.begun.acquire(timeout=60)
    pending = [executor.submit("plain", n) for n in range(3)]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(each.cancelled() for each in pending)
    assert not running.done()
    gate.opened.set()
    assert running.result(timeout=60) == 1
    executor.shutdown()
    until(lambda: wasmtimes_here() == [], "end of its processes")


def test_shutdown_without_waiting_lets_all_calls_end(gate: Gate) -> None:
    executor = gated(gate)
    runs = [executor.submit("held", 1), executor.submit("plain", 2)]
    executor.shutdown(wait=False)
    gate.opened.set()
    assert [run.result(timeout=60) for run in runs] == [1, 2]
    executor.shutdown()
    until(lambda: wasmtimes_here() == [], "end of its processes")


def test_shutdown_by_what_a_future_calls_leaves_no_process() -> None:
    before = wasmtimes_here()
    executor = SandboxExecutor("job.py", max_workers=1)
    said: list[str] = []

    def end(_: futures.Future[Any]) -> None:
        try:
            executor.shutdown()
        except RuntimeError as error:
            said.append(str(error))

    future = executor.submit("double", 1)
    future.add_done_callback(end)
    assert future.result(60) == 2
    until(lambda: "ended" in repr(executor) and wasmtimes_here() == before, "end")
    # As of a ThreadPoolExecutor, unless the callback came to run in this thread.
    assert said in ([], ["cannot join current thread"])


def threads_of_executors() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("capsule-executor")]


def test_one_that_is_dropped_leaves_no_process_and_no_thread() -> None:
    before = wasmtimes_here()
    executor = SandboxExecutor("job.py", max_workers=2)
    assert executor.submit("double", 1).result(60) == 2
    until(lambda: len(wasmtimes_here()) > len(before), "process that waits for the next call")
    del executor
    gc.collect()
    # Long before those that nobody uses end by themselves.
    until(lambda: wasmtimes_here() == before, "end of its processes", 20)
    until(lambda: not threads_of_executors(), "end of its threads", 20)


def test_one_that_is_dropped_while_it_works_ends_behind_its_work(gate: Gate) -> None:
    before = wasmtimes_here()
    runs = [gated(gate).submit("held", n) for n in (1, 2)]
    for _ in runs:
        assert gate.begun.acquire(timeout=60)
    gc.collect()
    assert not any(run.done() for run in runs)
    gate.opened.set()
    assert [run.result(timeout=60) for run in runs] == [1, 2]
    until(lambda: wasmtimes_here() == before and not threads_of_executors(), "end")


def test_a_program_that_never_ends_one_ends() -> None:
    program = (
        "from capsule import SandboxExecutor\n"
        "kept = SandboxExecutor('job.py')\n"
        "def dropped(): return SandboxExecutor('job.py').submit('double', 2).result()\n"
        "print(kept.submit('double', 1).result(), dropped())\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        (sys.executable, "-c", program), env=environ, timeout=60, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"2 4\n", b"")


def test_an_error_can_be_sent_to_another_process(executor: SandboxExecutor) -> None:
    error = executor.submit("fails", "no").exception(60)
    assert isinstance(error, TaskFailedError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - it was written here
    assert str(again) == str(error)
    assert again.envelope == error.envelope


def test_calls_from_many_threads(executor: SandboxExecutor) -> None:
    with futures.ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda n: executor.submit("double", n).result(), range(24))
        assert list(found) == [2 * n for n in range(24)]


def test_an_event_loop_can_use_it(executor: SandboxExecutor) -> None:
    double = imported().double

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(executor, double, n) for n in range(3)]
        return list(await asyncio.gather(*calls))

    assert asyncio.run(main()) == [0, 2, 4]


def test_limits_and_artifacts(tmp_path: Path) -> None:
    from tests.integration.command import Command

    built = Command(tmp_path, Path(os.environ["CAPSULE_HOME"]))
    Path("one.py").write_text(
        "from capsule import task\n@task\ndef one(n):\n    while n: pass\n    return 1\n"
    )
    assert built("build", "--export", "one.py").code == 0
    with SandboxExecutor("one.wasm", limits={"max_fuel": 50_000_000}) as executor:
        assert executor.submit("one", 0).result() == 1
        with pytest.raises(TaskFailedError, match="fuel_exhausted"):
            executor.submit("one", 1).result()


def test_wrong_files_are_told_of_at_once() -> None:
    with pytest.raises(UsageError, match="does not exist"):
        SandboxExecutor("none.py")
