"""Whose turn it is when more want to run than may, and how long each says that it has waited."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from capsule import CapsuleError, Sandbox, Session, run
from capsule.pool import slots

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

SECONDS = 60
# What the first of two takes at least, so that the second says that it waited for so long.
TAKES = 300
SLOW = f"import time\ndef main(): time.sleep({TAKES / 1000})"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, where one sandbox runs at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    monkeypatch.setattr(slots.SHARED, "most", 1)
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "named.py").write_text(
        "from capsule import tools\ndef main(name):\n    tools.began(name)\n    return name"
    )
    return tmp_path


async def waited(*calls: Any) -> list[int]:
    """Make calls at the same time; return what each says of how long it waited, the least first."""
    found: list[int] = []

    async def one(call: Any) -> None:
        envelope = await call()
        assert envelope.success
        found.append(envelope.execution.queue_ms)

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(one, call)
    return sorted(found)


async def test_the_envelope_says_how_long_a_run_waited() -> None:
    async with Sandbox("slow.py") as sandbox:
        first, second, third = await waited(*[sandbox.run] * 3)
        assert first < TAKES / 2
        assert second >= TAKES
        assert third >= 2 * TAKES
        assert (await waited(sandbox.run))[0] < TAKES / 2


async def test_so_it_does_without_a_sandbox() -> None:
    await run("slow.py")
    first, second = await waited(lambda: run("slow.py"), lambda: run("slow.py"))
    assert first < TAKES <= second


async def test_a_turn_waits_for_those_before_it() -> None:
    async with Session() as session:
        code = f"import time; time.sleep({TAKES / 1000})"
        first, second = await waited(lambda: session.run(code), lambda: session.run(code))
    assert first < TAKES <= second


async def test_a_task_that_is_called_says_it_too(folder: Path) -> None:
    (folder / "calls.py").write_text(
        "from capsule import task\n@task\ndef double(n): return 2 * n\n"
        "@task\ndef main(): return double(2)"
    )
    envelope = await run("calls.py")
    assert envelope.result["result"] == 4
    assert envelope.result["execution"].keys() == envelope.execution.keys()
    assert envelope.result["execution"]["queue_ms"] >= 0


async def test_sandboxes_take_turns_whoever_asked_first() -> None:
    order: list[str] = []
    tools = {"began": order.append}
    async with (
        Sandbox("named.py", tools=tools) as one,
        Sandbox("named.py", tools=tools) as other,
        anyio.create_task_group() as group,
    ):
        for name in ("a1", "a2", "a3", "a4"):
            group.start_soon(one.run, name)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(other.run, "b1")
    assert sorted(order) == ["a1", "a2", "a3", "a4", "b1"]
    # Behind the one that ran already and the one whose turn it was.
    assert order.index("b1") <= 2


async def test_no_more_wait_than_may() -> None:
    began, go_on = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        began.set()
        assert go_on.wait(SECONDS)

    async with Sandbox("named.py", tools={"began": hold}, max_waiting=2) as sandbox:
        async with anyio.create_task_group() as group:
            for name in ("first", "second", "third"):
                group.start_soon(sandbox.run, name)
            await anyio.to_thread.run_sync(began.wait, SECONDS)
            with pytest.raises(CapsuleError) as refused:
                await sandbox.run("fourth")
            go_on.set()
        assert refused.value.code == "busy_error"
        assert "'named.py'" in refused.value.message
        assert "max_waiting=2" in refused.value.message
        # A batch has bounds of its own.
        results = {envelope.result async for envelope in sandbox.map(range(8), concurrency=8)}
        assert results == set(range(8))


def test_one_that_is_cancelled_while_it_waits_leaves_its_place() -> None:
    began, go_on = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        began.set()
        assert go_on.wait(SECONDS)

    async def main() -> Any:
        async with Sandbox("named.py", tools={"began": hold}, max_waiting=1) as sandbox:
            first = asyncio.create_task(sandbox.run("first"))
            await asyncio.to_thread(began.wait, SECONDS)
            waiting = asyncio.create_task(sandbox.run("second"))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            third = asyncio.create_task(sandbox.run("third"))
            await asyncio.sleep(0)
            go_on.set()
            return [(await first).result, (await third).result]

    assert asyncio.run(main()) == ["first", "third"]
