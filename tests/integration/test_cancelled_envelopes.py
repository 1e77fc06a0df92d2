"""What was printed is there when an `await` is cancelled, whatever cancels it."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import jsonschema
import pytest
import trio

import capsule
from capsule import Envelope, Sandbox, Session, cancelled_envelope, run
from capsule.pool import slots

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Told = Callable[[str, str], object]
    Running = Callable[[Told], Awaitable[Envelope]]

pytestmark = pytest.mark.integration

SECONDS = 60
CODE = "print('so far', flush=True)\nimport sys\nsys.stderr.write('é')\nwhile True: pass"
SCHEMA = json.loads((Path(capsule.__file__).parent / "envelope.schema.json").read_text())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    body = "\n".join(f"    {line}" for line in CODE.splitlines())
    (tmp_path / "endless.py").write_text(
        f"from capsule import task\n@task(compute='10000000000000')\ndef main():\n{body}\n"
    )
    return tmp_path


class Printed:
    """Says when all that the code prints has come."""

    def __init__(self, then: Callable[[], object]) -> None:
        self._text, self._then = "", then

    def __call__(self, _: str, text: str) -> None:
        self._text += text
        if len(self._text) == len("so far\né"):
            self._then()


def cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()


def check(envelope: Envelope | None) -> None:
    assert envelope is not None
    jsonschema.validate(envelope, SCHEMA)
    assert envelope.error is not None
    assert envelope.error.error_type == "cancelled"
    assert (envelope.execution.stdout, envelope.execution.stderr) == ("so far\n", "é")
    assert envelope.execution.ram_used
    assert envelope.execution.run_id


async def in_run(told: Told) -> Envelope:
    return await run("endless.py", on_output=told)


async def in_a_sandbox(told: Told) -> Envelope:
    async with Sandbox("endless.py") as sandbox:
        return await sandbox.call(on_output=told)


async def in_a_session(told: Told) -> Envelope:
    async with Session(compute=10**13) as session:
        return await session.run(CODE, on_output=told)


@pytest.fixture(params=[in_run, in_a_sandbox, in_a_session])
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """What runs the code, and tells of its output."""
    return request.param  # type: ignore[no-any-return]


def test_cancel(running: Running) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(running(Printed(lambda: cancel(task))))
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        check(cancelled_envelope(cancelled.value))
        assert cancelled.value.envelope is cancelled_envelope(cancelled.value)  # type: ignore[attr-defined]

    asyncio.run(main())


def test_cancel_again_and_again(running: Running) -> None:
    async def main() -> None:
        def cancel_on() -> None:
            if not task.done():
                task.cancel()
                loop.call_soon(cancel_on)

        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(running(Printed(cancel_on)))
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        check(cancelled_envelope(cancelled.value))

    asyncio.run(main())


def test_timeout(running: Running) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError) as late:
            async with asyncio.timeout(None) as timeout:
                await running(Printed(lambda: timeout.reschedule(loop.time())))
        check(cancelled_envelope(late.value))

    asyncio.run(main())


def test_wait_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        # Its time cannot be set later: the clock of the loop is, when all is printed.
        loop, passed = asyncio.get_running_loop(), [0.0]
        now = loop.time
        monkeypatch.setattr(loop, "time", lambda: now() + sum(passed))
        with pytest.raises(TimeoutError) as late:
            await asyncio.wait_for(running(Printed(lambda: passed.append(1_000))), 1_000)
        check(cancelled_envelope(late.value))

    asyncio.run(main())


def test_a_group_of_tasks(running: Running) -> None:
    seen: list[Envelope | None] = []

    async def one(printed: asyncio.Event) -> None:
        try:
            await running(Printed(printed.set))
        except asyncio.CancelledError as error:
            seen.append(cancelled_envelope(error))
            raise ValueError("which holds it") from error

    async def main() -> None:
        printed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(one(printed))
            await printed.wait()
            raise LookupError

    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(main())
    check(*seen)
    check(cancelled_envelope(failed.value))


def test_trio(running: Running) -> None:
    seen: list[Envelope | None] = []

    async def main() -> None:
        with trio.CancelScope() as scope:
            try:
                await running(Printed(scope.cancel))
            except trio.Cancelled as error:
                seen.append(cancelled_envelope(error))
                raise
        assert scope.cancelled_caught

    trio.run(main)
    check(*seen)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_scope_of_anyio(running: Running, backend: str) -> None:
    seen: list[Envelope | None] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:
            try:
                await running(Printed(scope.cancel))
            except anyio.get_cancelled_exc_class() as error:
                seen.append(cancelled_envelope(error))
                raise

    anyio.run(main, backend=backend)
    check(*seen)


def test_ctrl_c(running: Running) -> None:
    def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as interrupted:
        asyncio.run(running(Printed(interrupt)))  # type: ignore[arg-type]
    check(cancelled_envelope(interrupted.value))


def test_one_that_had_not_begun_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots.SHARED, "most", 1)

    async def main() -> Any:
        async with Sandbox("endless.py") as sandbox:
            began = asyncio.Event()
            first = asyncio.create_task(sandbox.call(on_output=lambda *_: began.set()))
            await began.wait()
            second = asyncio.create_task(sandbox.run())
            await asyncio.sleep(0)
            found = []
            for task in (second, first):
                task.cancel()
                with pytest.raises(asyncio.CancelledError) as cancelled:
                    await task
                found.append(cancelled_envelope(cancelled.value))
            return found

    second, first = asyncio.run(main())
    jsonschema.validate(second, SCHEMA)
    assert second.error.message == "the run was cancelled before it began"
    assert (second.execution.task_name, second.execution.run_id) == ("main", None)
    assert first.execution.stdout == "so far\n"


def test_what_came_of_no_run_has_none() -> None:
    assert cancelled_envelope(asyncio.CancelledError()) is None
    error = ValueError()
    error.__context__ = error.__cause__ = error
    assert cancelled_envelope(error) is None

    async def main() -> None:
        release = threading.Event()
        task = asyncio.create_task(asyncio.to_thread(release.wait, SECONDS))
        await asyncio.sleep(0)
        task.cancel()
        release.set()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        assert cancelled_envelope(cancelled.value) is None

    asyncio.run(main())


def test_an_error_of_a_run_that_failed_is_no_cancelled_run(folder: Path) -> None:
    (folder / "fails.py").write_text("def main(): return 1 / 0")

    async def main() -> None:
        with pytest.raises(capsule.TaskFailedError) as failed:
            (await run("fails.py")).unwrap()
        assert failed.value.envelope.error is not None
        assert cancelled_envelope(failed.value) is None

    asyncio.run(main())


class AwkwardError(Exception):
    """What a callback raises."""


async def from_run(tell: Told) -> object:
    return await run("prints.py", on_output=tell)


async def from_call(tell: Told) -> object:
    async with Sandbox("prints.py") as sandbox:
        return await sandbox.call(on_output=tell)


async def from_map(tell: Told) -> object:
    async with Sandbox("prints.py") as sandbox:
        found = sandbox.map([()], spread=True, on_output=lambda _, *said: tell(*said))
        return [envelope async for envelope in found]


async def from_turn(tell: Told) -> object:
    async with Session() as session:
        return await session.run("print('so far')", on_output=tell)


@pytest.mark.parametrize("loop", [asyncio.run, trio.run], ids=["asyncio", "trio"])
@pytest.mark.parametrize("way", [from_run, from_call, from_map, from_turn])
def test_what_a_callback_raises_is_raised_by_the_await(folder: Path, loop: Any, way: Any) -> None:
    (folder / "prints.py").write_text("def main(): print('so far')")

    def tell(*_: str) -> None:
        raise AwkwardError

    async def main() -> None:
        raised = False
        try:
            await way(tell)
        except* AwkwardError:  # also where a group of tasks is in between
            raised = True
        assert raised

    if loop is trio.run:
        trio.run(main)
    else:
        asyncio.run(main())


def test_what_cannot_be_called_is_refused(folder: Path) -> None:
    async def main() -> None:
        with pytest.raises(capsule.CapsuleError, match=r"^on_output=3 is nothing that could be"):
            await run("endless.py", on_output=3)  # type: ignore[arg-type]

    asyncio.run(main())


def test_a_callback_that_would_have_to_be_awaited_is_refused(folder: Path) -> None:
    async def tell(stream: str, text: str) -> None:
        raise AssertionError(stream, text)

    async def main() -> None:
        with pytest.raises(capsule.CapsuleError, match=r"^on_output is called, and not awaited"):
            await run("endless.py", on_output=tell)

    asyncio.run(main())
