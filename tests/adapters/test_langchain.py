"""The adapter for LangChain, with the real package and a scripted model."""

from __future__ import annotations

import asyncio
import base64
import gc
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from capsule import Session, SessionSync, Turn
from capsule.adapters.langchain import CapsuleMiddleware, python_tool
from tests.adapters.example_page import check_example

if TYPE_CHECKING:
    from pathlib import Path


class Scripted(GenericFakeChatModel):
    """Runs each code in turn, and then says that it is done."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


def model(*codes: str) -> Scripted:
    calls = [
        AIMessage("", tool_calls=[{"name": "run_python", "args": {"code": code}, "id": str(at)}])
        for at, code in enumerate(codes)
    ]
    return Scripted(messages=iter([*calls, AIMessage("done")]))


def told(result: dict[str, Any]) -> list[ToolMessage]:
    assert result["messages"][-1].text == "done"
    return [message for message in result["messages"] if isinstance(message, ToolMessage)]


ASKED: Any = {"messages": [("user", "go")]}


def price(fruit: str) -> float:
    """Return what it costs."""
    return {"apple": 2.5}[fruit]


def test_the_example(tmp_path: Path) -> None:
    check_example("langchain_agent", tmp_path)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_run_has_a_session_of_its_own(tmp_path: Path, awaited: bool) -> None:
    middleware = CapsuleMiddleware(tools=[price], timeout="2s", cwd=tmp_path)
    codes = (
        "n = 1 if 'n' not in globals() else 99",
        "n + price('apple')",
        "1 / 0",
        "import time\ntime.sleep(60)",
    )
    for _ in range(2):
        agent = create_agent(model(*codes), middleware=[middleware])
        result = asyncio.run(agent.ainvoke(ASKED)) if awaited else agent.invoke(ASKED)
        messages = told(result)
        assert [message.text for message in messages[:2]] == ["(no output)", "3.5"]
        assert 'File "turn 3", line 1, in <module>' in messages[2].text
        assert 'timeout="2s"' in messages[3].text
        assert isinstance(messages[1].artifact, Turn)
        assert messages[1].artifact.result == 3.5
        assert "capsule_session" not in result


def test_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    middleware = CapsuleMiddleware(cwd=tmp_path)

    async def one(number: int) -> str:
        agent = create_agent(model(f"n = {number}", "n"), middleware=[middleware])
        return told(await agent.ainvoke(ASKED))[-1].text

    async def main() -> list[str]:
        return await asyncio.gather(*(one(number) for number in range(3)))

    assert asyncio.run(main()) == ["0", "1", "2"]


def test_figures_are_image_blocks(tmp_path: Path) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    with SessionSync(cwd=tmp_path, timeout="60s", ram="1GB") as session:
        agent = create_agent(model(plot), tools=[python_tool(session)])
        text, image = told(agent.invoke(ASKED))[0].content_blocks
    assert text["type"] == "text"
    assert "(a figure of" in text["text"]
    assert (image["type"], image["mime_type"]) == ("image", "image/png")  # type: ignore[typeddict-item]
    assert base64.b64decode(image["base64"]).startswith(b"\x89PNG")  # type: ignore[typeddict-item]


def test_a_tool_with_a_session_that_outlives_the_runs(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with Session(tools=[price], cwd=tmp_path) as session:
            tool = python_tool(session, name="run_python")
            said = []
            for code in ("n = 5", "n"):
                agent = create_agent(model(code), tools=[tool])
                said.append(told(await agent.ainvoke(ASKED))[0].text)
            with pytest.raises(TypeError, match="use ainvoke"):
                tool.invoke({"code": "1"})
            return said

    assert asyncio.run(main()) == ["(no output)", "5"]


def test_what_the_model_is_told_of_the_tool(tmp_path: Path) -> None:
    middleware = CapsuleMiddleware(tools=[price], cwd=tmp_path)
    said = convert_to_openai_tool(middleware.tools[0])["function"]
    assert said["name"] == "run_python"
    assert "- price(fruit: str) -> float: Return what it costs." in said["description"]
    assert said["parameters"]["properties"].keys() == {"code"}


def test_type_errors_are_told(tmp_path: Path) -> None:
    middleware = CapsuleMiddleware(tools=[price], cwd=tmp_path, check=True)
    agent = create_agent(model("price(3)"), middleware=[middleware])
    assert told(agent.invoke(ASKED))[0].text.startswith("type_error: 1 type error")


def test_a_run_that_fails_leaves_no_session(toolchain_home: Path, tmp_path: Path) -> None:
    folder = toolchain_home / "cache" / "sessions"
    before = set(folder.glob("*"))

    class Broken(Scripted):
        def _generate(self, *args: Any, **options: Any) -> Any:
            raise RuntimeError("no model")

    agent = create_agent(Broken(messages=iter([])), middleware=[CapsuleMiddleware(cwd=tmp_path)])
    with pytest.raises(RuntimeError, match="no model"):
        agent.invoke(ASKED)
    gc.collect()
    assert set(folder.glob("*")) <= before
