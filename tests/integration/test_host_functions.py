"""Functions of the host that code inside a sandbox calls."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import trio
import trio.lowlevel

from capsule import CapsuleError, Sandbox, Session, SessionSync, run, run_sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.integration

TASK = """
import capsule
from capsule import task, tools

@task(timeout="20s")
def main(name, args=(), kwargs=None):
    try:
        return getattr(tools, name)(*args, **(kwargs or {}))
    except capsule.ToolError as error:
        return {"type": error.type, "message": error.message}
"""


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


@pytest.fixture
def task(tmp_path: Path) -> Path:
    (tmp_path / "task.py").write_text(TASK)
    return tmp_path / "task.py"


def join(first: str, second: str = "b", *rest: str, sep: str = "-") -> str:
    """Join texts."""
    return sep.join([first, second, *rest])


def fails() -> None:
    raise LookupError("a secret path is not in here")


def nothing_of_json() -> object:
    return {1, 2}


def large() -> str:
    return "x" * (9 << 20)


async def slow(number: int) -> int:
    await asyncio.sleep(0.01)
    return number + 1


TOOLS: list[Callable[..., Any]] = [join, fails, nothing_of_json, large, slow]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (("join", ["a"]), "a-b"),
        (("join", ["a", "c", "d"], {"sep": "+"}), "a+c+d"),
        (("slow", [1]), 2),
        (("fails", []), {"type": "LookupError", "message": "a secret path is not in here"}),
    ],
)
def test_a_call_gives_what_the_function_gives(task: Path, call: Any, answer: object) -> None:
    envelope = run_sync(task, call, tools=TOOLS)
    assert envelope.result == answer
    (entry,) = envelope.execution.host_calls
    assert entry["name"] == call[0]
    assert entry["outcome"] == ("raised" if call[0] == "fails" else "returned")
    assert entry.keys() == {"name", "duration_ms", "outcome"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing_of_json", "not JSON"), ("large", "at most"), ("join", "missing 1 required")],
)
def test_what_cannot_be_is_an_error_inside(task: Path, name: str, said: str) -> None:
    result = run_sync(task, [name], tools=TOOLS).result
    assert said in result["message"]


def test_a_name_that_is_not_there_is_an_attribute_error(task: Path) -> None:
    for tools in (TOOLS, None):
        error = run_sync(task, ["gone"], tools=tools).error
        assert error is not None
        assert "there is no host function 'gone'" in error.message


def test_code_that_asks_past_the_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text(
        "from capsule_guest import calls\ndef main():\n    try:\n"
        "        calls.call('tool', {'name': '__import__', 'args': ['os'], 'kwargs': {}})\n"
        "    except calls.CallError as error:\n        return [error.kind, str(error)]\n"
    )
    kind, message = run_sync(tmp_path / "task.py", tools=TOOLS).result
    assert (kind, message) == ("refused", "there is no host function '__import__'")
    assert run_sync(tmp_path / "task.py").result[0] == "refused"


def test_an_approval_that_fails_refuses_and_tells_nothing(task: Path) -> None:
    def secret_of_the_host(name: str) -> bool:
        raise AssertionError(name)

    envelope = run_sync(task, ["join", ["a"]], tools=TOOLS, approve=secret_of_the_host)  # type: ignore[arg-type]
    assert envelope.result == {"type": "refused", "message": "the call of join was not approved"}
    assert [call["outcome"] for call in envelope.execution.host_calls] == ["refused"]
    with pytest.raises(CapsuleError, match=r"^approve=True is nothing that could be called"):
        run_sync(task, ["join", ["a"]], tools=TOOLS, approve=True)  # type: ignore[arg-type]


def test_each_call_is_approved_first(task: Path) -> None:
    seen = []

    def approve(name: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
        seen.append((name, args, kwargs))
        return args == ["yes"]

    assert run_sync(task, ["join", ["yes"]], tools=TOOLS, approve=approve).result == "yes-b"
    envelope = run_sync(task, ["join", ["no"], {"sep": "+"}], tools=TOOLS, approve=approve)
    assert envelope.result == {"type": "refused", "message": "the call of join was not approved"}
    assert envelope.execution.host_calls[0]["outcome"] == "refused"
    assert seen == [("join", ["yes"], {}), ("join", ["no"], {"sep": "+"})]

    async def asked(name: str, args: list[Any], kwargs: dict[str, Any]) -> str:
        return "yes"  # which is not True

    assert run_sync(task, ["join", ["a"]], tools=TOOLS, approve=asked).result["type"] == "refused"


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ({"describe": join}, "capsule's own"),
        ([lambda: 1], "cannot be the name"),
        ({"a b": join}, "cannot be the name"),
        ({"_hidden": join}, "cannot be the name"),
        ([join, join], "there twice"),
        ({"x": 5}, "no function"),
    ],
)
def test_names_that_cannot_be_are_refused(task: Path, tools: Any, said: str) -> None:
    with pytest.raises(CapsuleError) as refused:
        run_sync(task, ["x"], tools=tools)
    assert said in refused.value.message


def test_calls_overlap_where_they_are_awaited(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=20)

    def meet(number: int) -> int:
        together.wait()
        return number

    with SessionSync(tools=[meet], cwd=tmp_path) as session:
        turn = session.run(
            "import asyncio, capsule\n"
            "await asyncio.gather(*[capsule.tools.meet.aio(n) for n in range(4)])"
        )
        assert turn.result == [0, 1, 2, 3]


def test_coroutine_functions_run_in_the_callers_loop(task: Path) -> None:
    async def in_asyncio() -> Any:
        loop = asyncio.get_running_loop()

        async def mine() -> bool:
            await asyncio.sleep(0)
            return asyncio.get_running_loop() is loop

        async with Sandbox(task, tools=[mine]) as sandbox:
            first = (await run(task, ["mine"], tools=[mine])).result
            return [first, (await sandbox.run("mine")).result]

    assert asyncio.run(in_asyncio()) == [True, True]

    async def in_trio() -> Any:
        async def mine() -> str:
            await trio.lowlevel.checkpoint()
            return trio.lowlevel.current_task().name

        return (await run(task, ["mine"], tools=[mine])).result

    assert "mine" in trio.run(in_trio) or trio.run(in_trio)


def test_output_comes_as_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text(
        "import sys\nfrom capsule import tools\ndef main():\n    print('first \\u00e9')\n"
        "    print('err', file=sys.stderr)\n    tools.wait()\n    print('last')\n"
    )
    seen: list[tuple[str, str]] = []
    printed = threading.Event()

    def tell(stream: str, text: str) -> None:
        seen.append((stream, text))
        if len(seen) == 2:
            printed.set()

    def wait() -> bool:
        return printed.wait(20)

    envelope = run_sync(tmp_path / "task.py", tools=[wait], on_output=tell)
    assert envelope.success
    assert seen == [("stdout", "first é\n"), ("stderr", "err\n"), ("stdout", "last\n")]


def test_a_session_has_them_as_plain_names(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with Session(tools=TOOLS, cwd=tmp_path) as session:
            found: list[Any] = [(await session.run("join('a'), slow(1)")).result]
            found.append((await session.run("join = 5\njoin")).result)
            found.append((await session.run("join, other()", tools={"other": lambda: 7})).result)
            found.append((await session.run("print(capsule.tools.describe())")).success)
            found.append((await session.run("import capsule; capsule.tools.describe()")).result)
            assert session.tools["join"]["doc"] == "Join texts."
            return found

    found = asyncio.run(main())
    assert found[:4] == [["a-b", 2], 5, [5, 7], False]
    assert "def join(first: str, second: str = 'b', *rest: str, sep: str = '-') -> str:" in found[4]


def test_a_tool_that_never_returns_keeps_no_other_waiting(task: Path) -> None:
    release = threading.Event()

    def forever() -> None:
        release.wait(60)

    async def main() -> float:
        stuck = asyncio.create_task(run(task, ["forever"], tools=[forever]))
        begin = time.monotonic()
        for _ in range(3):
            assert (await run(task, ["join", ["a"]], tools=TOOLS)).result == "a-b"
        took = time.monotonic() - begin
        release.set()
        await stuck
        return took

    assert asyncio.run(main()) < 30


def test_a_turn_with_less_time_has_the_process_that_waits(tmp_path: Path) -> None:
    def children() -> list[int]:
        return [child.pid for child in psutil.Process().children()]

    with SessionSync(tools={"who": children}, cwd=tmp_path) as session:
        for limits, is_same in (({"timeout": "20s"}, True), ({"max_ram": "512MB"}, False)):
            session.run("x = 1").kept()
            while len(waiting := children()) != 1:
                threading.Event().wait(0.001)
            running = session.run("who()", limits=limits).unwrap()
            assert (waiting == running) is is_same
