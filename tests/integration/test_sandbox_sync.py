"""`SandboxSync` against the real toolchain, from one thread and from many."""

from __future__ import annotations

import asyncio
import itertools
import signal
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from capsule import CapsuleError, Envelope, SandboxSync
from capsule.errors import PolicyError, UsageError
from capsule.pool import slots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.integration

SECONDS = 60


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a task that multiplies, and one that asks its caller."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    (tmp_path / "square.py").write_text(
        "from capsule import task\n@task(ram='128MB')\ndef main(n):\n    print('got', n)\n"
        "    return n * n\n"
    )
    (tmp_path / "ask.py").write_text(
        "from capsule import tools\ndef main(n):\n    print('asks', flush=True)\n"
        "    return tools.ask(n)\n"
    )
    (tmp_path / "endless.py").write_text(
        "def main():\n    print('so far', flush=True)\n    import time\n    time.sleep(1e9)\n"
    )
    return tmp_path


def nothing_is_left() -> bool:
    names = [thread.name for thread in threading.enumerate()]
    mine = [name for name in names if name.startswith("capsule-") and "record" not in name]
    return (psutil.Process().children(), mine) == ([], [])


def in_threads(count: int, work: Callable[[int], object]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_run_call_and_map(folder: Path) -> None:
    (folder / "data").mkdir()
    with SandboxSync("square.py", warm=2, mounts=["data"]) as sandbox:
        assert "of 2 wait" in repr(sandbox)
        assert sandbox.run(3).result == 9
        assert sandbox.run(n=4).result == 16
        seen: list[tuple[object, str, str]] = []
        envelope = sandbox.call(
            kwargs={"n": 5},
            limits={"max_ram": "256MB", "timeout": "20s"},
            mounts=[folder],
            on_output=lambda *said: seen.append((threading.current_thread(), *said)),
        )
        assert (envelope.result, envelope.execution.queue_ms) == (25, 0)
        assert seen == [(threading.current_thread(), "stdout", "got 5\n")]
        told: list[tuple[int, str, str]] = []
        done = list(sandbox.map([1, [2], {"n": 3}, "x"], on_output=lambda *a: told.append(a)))
        assert {each.index: each.result for each in done} == {0: 1, 1: None, 2: None, 3: None}
        assert min(told) == (0, "stdout", "got 1\n")
        spread = sandbox.map([1, [2], {"n": 3}], spread=True, skip={0})
        assert {each.index: each.result for each in spread} == {1: 4, 2: 9}
    assert repr(sandbox) == "<SandboxSync 'square.py' closed>"
    assert nothing_is_left()


def test_from_many_threads() -> None:
    results: dict[int, Any] = {}
    with SandboxSync("square.py", warm=2) as sandbox:

        def work(number: int) -> None:
            if number % 2:
                results[number] = [sandbox.run(number).result for _ in range(3)]
            else:
                results[number] = sorted(each.result for each in sandbox.map([number] * 3))

        in_threads(8, work)
    assert results == {number: [number**2] * 3 for number in range(8)}
    assert nothing_is_left()


def test_where_an_event_loop_runs() -> None:
    async def main() -> Any:
        with SandboxSync("square.py") as sandbox:
            return sandbox.run(6).result

    assert asyncio.run(main()) == 36


def test_functions_of_the_host_and_who_approves_them() -> None:
    async def ask(number: int) -> int:
        await asyncio.sleep(0)
        return number + 1

    with SandboxSync("ask.py", tools=[ask], approve=lambda _, args, __: args != [0]) as sandbox:
        assert sandbox.run(1).result == 2
        refused = sandbox.run(0).error
        assert refused is not None
        assert "not approved" in refused.message
        assert sandbox.call([5], tools={"ask": lambda number: -number}).result == -5
        assert {each.result for each in sandbox.map([1, 2, 3])} == {2, 3, 4}


def test_so_many_of_a_batch_at_once() -> None:
    together = threading.Barrier(4)

    def ask(number: int) -> int:
        together.wait(SECONDS)
        return number

    with SandboxSync("ask.py", tools=[ask], concurrency=2) as sandbox:
        assert len(list(sandbox.map(range(8), concurrency=4))) == 8


def test_a_stream_without_end_is_broken_off(folder: Path) -> None:
    with SandboxSync("square.py", concurrency=2) as sandbox:
        for envelope in sandbox.map(itertools.count()):
            assert envelope.success
            if envelope.index == 6:
                break
    assert nothing_is_left()


def test_what_is_wrong_is_raised(folder: Path) -> None:
    (folder / "capsule.toml").write_text('[limits]\nmax_ram = "128MB"\n')
    with pytest.raises(UsageError, match=r"nothing\.py"), SandboxSync("nothing.py"):
        pass
    with SandboxSync("square.py") as sandbox:
        with pytest.raises(RuntimeError, match="open already"):
            sandbox.__enter__()
        with pytest.raises(PolicyError, match="'1GB' is above the ceiling"):
            sandbox.call([1], limits={"max_ram": "1GB"})
        with pytest.raises(UsageError, match="not JSON"):
            sandbox.run({1, 2})
        (refused,) = sandbox.map([{1, 2}])
        assert refused.error is not None
        assert refused.error.error_type == "usage_error"
        with pytest.raises(ZeroDivisionError):
            list(sandbox.map([1], on_output=lambda *_: 1 // 0))
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        sandbox.run(1)
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        sandbox.map([1])
    with sandbox:
        assert sandbox.run(2).result == 4
    assert nothing_is_left()


@pytest.mark.parametrize("way", ["call", "map"])
def test_an_interrupt_kills_the_sandbox(way: str) -> None:
    """In the thread of the caller, whose signals these are."""

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    def interrupted() -> None:
        with SandboxSync("endless.py") as sandbox:
            if way == "call":
                sandbox.call(on_output=interrupt)
            list(sandbox.map([()] * 4, spread=True, concurrency=2, on_output=interrupt))

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert nothing_is_left()


def test_the_end_of_the_block_ends_what_other_threads_wait_for() -> None:
    began = threading.Semaphore(0)
    found: list[Envelope | BaseException] = []
    with SandboxSync("endless.py", concurrency=1) as sandbox:

        def run(_: int) -> None:
            found.append(sandbox.call(on_output=lambda *_: began.release()))

        def iterate() -> None:
            try:
                list(sandbox.map([()], spread=True, on_output=lambda *_: began.release()))
            except RuntimeError as error:
                found.append(error)

        threads = [threading.Thread(target=run, args=(0,)), threading.Thread(target=iterate)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert began.acquire(timeout=SECONDS)
    assert psutil.Process().children() == []
    for thread in threads:
        thread.join(SECONDS)
    (envelope,) = [each for each in found if isinstance(each, Envelope)]
    (error,) = [each for each in found if isinstance(each, BaseException)]
    assert envelope.error is not None
    assert (envelope.error.error_type, envelope.execution.stdout) == ("cancelled", "so far\n")
    assert str(error) == "the block of this SandboxSync has ended"
    assert nothing_is_left()


def test_turns_are_waited_for_and_how_many_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots.SHARED, "most", 1)
    began, go_on = threading.Semaphore(0), threading.Event()
    waited: list[int] = []

    def ask(_: int) -> None:
        began.release()
        assert go_on.wait(SECONDS)

    with SandboxSync("ask.py", tools=[ask], max_waiting=1) as sandbox:

        def run(number: int) -> None:
            waited.append(sandbox.run(number).execution.queue_ms)

        first, second = (threading.Thread(target=run, args=(number,)) for number in range(2))
        first.start()
        assert began.acquire(timeout=SECONDS)
        second.start()
        while "1 wait" not in repr(slots.SHARED):
            second.join(0.001)
        with pytest.raises(CapsuleError, match="max_waiting=1") as refused:
            sandbox.run(2)
        assert refused.value.code == "busy_error"
        assert second.is_alive()
        go_on.set()
        for thread in (first, second):
            thread.join(SECONDS)
    assert waited[0] == 0 < waited[1]
