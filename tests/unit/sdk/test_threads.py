"""Blocking work in threads: answers, errors, cancelling, and that no thread is lost or left."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from capsule.errors import BusyError
from capsule.pool import slots
from capsule.pool.run_queue import QueuedRun, RunQueue
from capsule.sdk import thread_pool, threads
from capsule.sdk.threads import in_thread, to_its_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capsule.process.cancel import Cancellation

# Its name in the package is that of the function.
sdk_run: Any = import_module("capsule.sdk.run")

pytestmark = pytest.mark.anyio
SECONDS = 20


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kept() -> Iterator[None]:
    thread_pool.keep()
    yield
    thread_pool.release()
    assert names().count("capsule-run") == 0


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.mark.usefixtures("kept")
async def test_the_answer_comes_back_and_the_thread_is_used_again() -> None:
    first, second = [await in_thread(lambda _: threading.current_thread()) for _ in range(2)]
    assert first is second is not threading.current_thread()


async def test_a_thread_that_nobody_keeps_ends_with_its_work() -> None:
    thread = await in_thread(lambda _: threading.current_thread())
    thread.join(SECONDS)
    assert not thread.is_alive()


async def test_who_is_at_work_when_all_is_released_ends_after() -> None:
    def work(_: Cancellation) -> threading.Thread:
        thread_pool.keep()
        thread_pool.release()
        return threading.current_thread()

    thread = await in_thread(work)
    thread.join(SECONDS)
    assert not thread.is_alive()


async def test_an_error_is_raised_where_it_is_awaited() -> None:
    def fail(_: Cancellation) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_thread(fail)
    assert await in_thread(lambda _: 1) == 1


async def test_who_cancels_waits_until_the_work_is_over() -> None:
    began, asked, over = (threading.Event() for _ in range(3))

    def work(stop: Cancellation) -> None:
        stop.attach(asked.set)
        began.set()
        assert asked.wait(SECONDS)
        over.set()

    async with anyio.create_task_group() as group:
        group.start_soon(in_thread, work)
        await in_thread(lambda _: began.wait(SECONDS))
        group.cancel_scope.cancel()
    assert over.is_set()


def test_who_cancels_a_task_of_asyncio_twice_waits_too() -> None:
    """A shield keeps off what cancels a scope only."""
    began, asked, go_on, over = (threading.Event() for _ in range(4))

    def work(stop: Cancellation) -> None:
        stop.attach(asked.set)
        began.set()
        assert go_on.wait(SECONDS)
        # Not closed while this still uses it.
        assert stop.fileno() >= 0
        over.set()

    async def main() -> None:
        task = asyncio.create_task(in_thread(work))
        await in_thread(lambda _: began.wait(SECONDS))
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert asked.is_set()
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert over.is_set()

    asyncio.run(main())


def test_work_is_over_before_the_loop_that_waited_is_gone() -> None:
    began, over = threading.Event(), threading.Event()

    def work(stop: Cancellation) -> None:
        asked = threading.Event()
        stop.attach(asked.set)
        began.set()
        assert asked.wait(SECONDS)
        over.set()

    loop = asyncio.new_event_loop()
    waiting = in_thread(work)
    loop.call_soon(loop.stop)

    async def first_step() -> None:
        waiting.send(None)

    loop.run_until_complete(first_step())
    assert began.wait(SECONDS)
    loop.close()
    waiting.close()
    assert over.is_set()


async def test_what_closes_is_done_where_all_threads_are_taken_and_the_task_is_cancelled() -> None:
    called: list[int] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        await to_its_end(lambda: called.append(1))
    assert called == [1]
    assert scope.cancelled_caught


async def test_nothing_begins_for_who_is_cancelled_already() -> None:
    called: list[int] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        await in_thread(lambda _: called.append(1))
    assert not called


async def test_many_at_once_each_have_a_thread() -> None:
    together = threading.Barrier(8)
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(in_thread, lambda _: together.wait(SECONDS))


async def test_the_event_loop_starts_one_thread_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[bool] = []

    class Thread(threading.Thread):
        def start(self) -> None:
            starts.append(threading.current_thread() is threading.main_thread())
            super().start()

    monkeypatch.setattr(thread_pool, "Thread", Thread)
    together = threading.Barrier(8)
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(in_thread, lambda _: together.wait(SECONDS))
    # The loop may have come late, when the one that starts the others was over.
    assert starts.count(False) == 8
    assert starts.count(True) <= 8


async def test_all_that_are_begun_in_one_step_are_begun_before_a_thread_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered: list[int] = []
    at_begin: list[int] = []
    begin = thread_pool.begin

    def counted(*args: Any) -> None:
        at_begin.append(len(entered))
        begin(*args)

    async def one(number: int) -> None:
        entered.append(number)
        await in_thread(lambda _: None)

    monkeypatch.setattr(thread_pool, "begin", counted)
    monkeypatch.setattr(threads, "_FEW", 1)
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(one, number)
    assert at_begin[1:] == [8] * 7


async def test_who_waits_for_a_thread_gets_one_that_is_free() -> None:
    most = slots.SHARED.most
    seen: set[threading.Thread] = set()
    async with anyio.create_task_group() as group:
        for _ in range(10 * most):
            group.start_soon(in_thread, lambda _: seen.add(threading.current_thread()))
    assert len(seen) <= 3 * most
    for thread in seen:
        thread.join(SECONDS)
    assert names().count("capsule-run") == 0


async def test_those_who_wait_for_a_thread_are_served_by_turns_of_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots.SHARED, "most", 1)
    go_on, order = threading.Event(), list[str]()

    def work(name: str) -> Callable[[Cancellation], None]:
        def begin(_: Cancellation) -> None:
            assert go_on.wait(SECONDS)
            order.append(name)

        return begin

    queued = {name: QueuedRun(name[0]) for name in ("a1", "a2", "a3", "b1", "c1", "b2")}
    async with anyio.create_task_group() as group:
        for name, run in queued.items():
            group.start_soon(in_thread, work(name), run)
            await anyio.wait_all_tasks_blocked()
        go_on.set()
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2"]


async def test_one_that_is_cancelled_while_it_waits_for_a_thread_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots.SHARED, "most", 1)
    go_on, order = threading.Event(), list[str]()
    queue = RunQueue("a", 1)
    async with anyio.create_task_group() as group:
        group.start_soon(in_thread, lambda _: go_on.wait(SECONDS))
        await anyio.wait_all_tasks_blocked()
        with anyio.CancelScope() as scope:
            with QueuedRun("a", queue) as run:
                group.start_soon(_later, scope.cancel)
                await in_thread(lambda _: order.append("cancelled"), run)
        assert scope.cancelled_caught
        assert repr(queue) == "<RunQueue of 'a', 0 of 1 wait>"
        group.start_soon(in_thread, lambda _: order.append("next"))
        await anyio.wait_all_tasks_blocked()
        go_on.set()
    assert order == ["next"]


async def _later(call: Callable[[], None]) -> None:
    await anyio.wait_all_tasks_blocked()
    call()


async def test_who_may_not_wait_for_a_thread_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots.SHARED, "most", 1)
    go_on, queue = threading.Event(), RunQueue("a", 0)
    async with anyio.create_task_group() as group:
        group.start_soon(in_thread, lambda _: go_on.wait(SECONDS), QueuedRun(queue, queue))
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(BusyError, match="max_waiting=0"):
            await in_thread(lambda _: None, QueuedRun(queue, queue))
        go_on.set()
    assert await in_thread(lambda _: 1, QueuedRun(queue, queue)) == 1


def test_a_program_ends_when_the_work_is_over() -> None:
    script = """
import threading
from capsule.sdk import thread_pool
begun = threading.Event()
def work():
    begun.set()
    threading.main_thread().join()
    print("over")
thread_pool.begin(work, lambda: None)
begun.wait()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"over\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.usefixtures("kept")
def test_a_forked_child_starts_threads_of_its_own() -> None:
    done = threading.Event()
    thread_pool.begin(lambda: None, done.set)
    assert done.wait(SECONDS)
    pid = os.fork()
    if pid == 0:
        again = threading.Event()
        thread_pool.begin(lambda: None, again.set)
        os._exit(0 if again.wait(SECONDS) else 1)
    assert os.waitpid(pid, 0)[1] == 0
