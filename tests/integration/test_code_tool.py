"""A session as one function, and tools of a framework inside: what needs no framework."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest

from capsule import CapsuleError, Session, SessionSync, Turn
from capsule.adapters import code_tool
from capsule.adapters.tool_bridge import BridgedSession, FinalValue

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def price(fruit: str) -> float:
    """Return what it costs."""
    return {"apple": 2.5}[fruit]


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


def test_a_function_that_says_what_it_is(tmp_path: Path) -> None:
    with SessionSync(tools=[price], cwd=tmp_path) as session:
        run = code_tool(session, name="sandbox")
        assert (run.__name__, get_type_hints(run)) == ("sandbox", {"code": str, "return": str})
        assert str(inspect.signature(run)) == "(code: str) -> str"
        assert "- price(fruit: str) -> float: Return what it costs." in (run.__doc__ or "")
        assert (run.__doc__ or "").endswith(
            "Args:\n    code: Python source. Top-level await works."
        )


def test_what_goes_wrong_is_text(tmp_path: Path) -> None:
    with SessionSync(tools=[price], cwd=tmp_path, timeout="2s") as session:
        turns: list[Turn] = []
        run = code_tool(session, on_turn=turns.append)
        assert run("n = 4\nprint(price('apple'))\nn") == "2.5\n4"
        said = run("def f():\n    return price('plum')\nf()")
        assert 'File "turn 2", line 2, in f' in said
        assert (
            "capsule.ToolError: KeyError: 'plum'" in said or "ToolError: KeyError: 'plum'" in said
        )
        assert 'timeout="2s"' in run("n = 5\nwhile True: pass")
        assert run("n") == "4"
        assert "has no allowed_hosts" in run(
            "import urllib.request\nurllib.request.urlopen('http://example.com')"
        )
        assert "SyntaxError" in run("def")
        assert [turn.success for turn in turns] == [True, False, False, True, False, False]
    with pytest.raises(RuntimeError, match="used inside its block"):
        run("1")


def test_type_errors_are_text(tmp_path: Path) -> None:
    with SessionSync(tools=[price], cwd=tmp_path) as session:
        said = code_tool(session, check=True)("print('ran')\nprice(1)")
    assert said.startswith("type_error: 1 type error, and nothing was run:\nline 2: Argument to")
    assert "ran" not in said.splitlines()


def test_a_coroutine_function_of_a_session(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with Session(cwd=tmp_path) as session:
            run = code_tool(session)
            assert inspect.iscoroutinefunction(run)
            return [await run("n = 1"), *await asyncio.gather(run("n += 1\nn"), run("n += 1\nn"))]

    assert asyncio.run(main()) == ["(no output)", "2", "3"]


MARKER: contextvars.ContextVar[str] = contextvars.ContextVar("MARKER", default="none")


async def awaited(n: int) -> int:
    """Return it, later."""
    return n


def ran(
    session: BridgedSession, code: str, tools: dict[str, Any], variables: Any = None, **more: Any
) -> tuple[Turn, FinalValue]:
    final = FinalValue()
    more.setdefault("ending", "answer")
    return session.run(code, tools, variables or {}, final=final, **more), final


def test_tools_of_any_names_that_change(tmp_path: Path) -> None:
    session = BridgedSession({"cwd": tmp_path, "timeout": "20s"})
    tools = {
        "price": price,
        "__price__": lambda fruit: -price(fruit),
        "describe": lambda: "ours",
        "marked": MARKER.get,
        "awaited": awaited,
        "capsule_variables": lambda: "not ours",
    }
    MARKER.set("here")
    try:
        code = "[price('apple'), __price__(fruit='apple'), describe(), marked(), awaited(3), capsule_variables()]"
        turn, _ = ran(session, code, tools)
        assert turn.error is None
        assert turn.result == [2.5, -2.5, "ours", "here", 3, "not ours"]
        assert [call["name"] for call in turn.execution.host_calls[:2]] == ["price", "tool_price"]
        # What code does to the names lasts for a turn; a tool that is gone cannot be called.
        ran(session, "price = None", tools)
        assert ran(session, "price('apple'), x", tools, {"x": [1]})[0].result == [2.5, [1]]
        gone = ran(session, "price('apple')", {"other": price})[0].error
        assert gone is not None
        assert "there is no host function 'price'" in gone.message
        for name in ("a b", "class", 3):
            with pytest.raises(CapsuleError, match="no name that code could call"):
                ran(session, "1", {name: price})  # type: ignore[dict-item]
        assert ran(session, "price.__doc__", tools)[0].result == "Return what it costs."
    finally:
        session.close()


def test_a_final_answer_ends_the_turn(tmp_path: Path) -> None:
    session = BridgedSession({"cwd": tmp_path, "timeout": "20s"})
    try:
        code = "try:\n    x = 1\n    SUBMIT(3, 'b')\nexcept Exception:\n    x = 2\nx = 3"
        turn, final = ran(session, code, {}, ending="SUBMIT", fields=["a", "b"])
        assert final.given
        assert final.value == {"a": 3, "b": "b"}
        assert not turn.success
        assert ran(session, "x", {})[0].result == 1
        for wrong in (
            "SUBMIT()",
            "SUBMIT(1)",
            "SUBMIT(1, 2, 3)",
            "SUBMIT(1, b=2)",
            "SUBMIT(a=1, c=2)",
        ):
            turn, final = ran(session, wrong, {}, ending="SUBMIT", fields=["a", "b"])
            assert turn.error is not None
            assert (final.given, turn.error.message.partition(":")[0]) == (False, "TypeError")
        turn, final = ran(session, "SUBMIT({'n': [1]})", {}, ending="SUBMIT", fields=[])
        assert final.value == {"output": {"n": [1]}}
    finally:
        session.close()


def test_the_options_of_a_session_hold(tmp_path: Path) -> None:
    with pytest.raises(CapsuleError, match="the framework has the tools"):
        BridgedSession({"tools": [price]})
    refused: list[str] = []

    def approve(name: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
        refused.append(f"{name}{args}{kwargs}")
        return not name.startswith("price")

    session = BridgedSession({"cwd": tmp_path, "approve": approve})
    try:
        turn, _ = ran(session, "price('apple')", {"price": price})
        assert turn.error is not None
        assert "the call of price was not approved" in turn.error.message
        assert "price['apple']{}" in refused
    finally:
        session.close()


def test_variables_that_are_large(tmp_path: Path) -> None:
    session = BridgedSession({"cwd": tmp_path, "timeout": "60s"})
    try:
        variables: dict[str, Any] = {"text": "x" * (20 << 20)}
        for number in range(2):
            variables["number"] = number
            turn, _ = ran(session, "text += 'y'\nlen(text), number", {}, variables)
            assert turn.result == [(20 << 20) + 1, number]
        # The same again are those that were given, and not what the code made of them.
        assert ran(session, "len(text)", {}, variables)[0].result == 20 << 20
        assert ran(session, "len(text), extra", {}, {"extra": [1]})[0].result == [20 << 20, [1]]
        with pytest.raises(CapsuleError, match="variables: Out of range float values"):
            ran(session, "1", {}, {"n": float("nan")})
    finally:
        session.close()
