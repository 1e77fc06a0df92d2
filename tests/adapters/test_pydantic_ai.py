"""The adapter for Pydantic AI, with the real package and a scripted model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import (
    Agent,
    BinaryContent,
    ModelMessage,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from capsule import Session
from capsule.adapters.pydantic_ai import CapsuleToolset
from tests.adapters.example_page import check_example

if TYPE_CHECKING:
    from pathlib import Path


def price(fruit: str) -> float:
    """Return what it costs."""
    return {"apple": 2.5}[fruit]


def agent(toolset: CapsuleToolset, *codes: str, seen: list[AgentInfo] | None = None) -> Agent:
    left = iter(codes)

    def script(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if seen is not None:
            seen.append(info)
        code = next(left, None)
        if code is None:
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart("run_python", {"code": code})])

    return Agent(FunctionModel(script), toolsets=[toolset])


def ran(made: Agent) -> Any:
    # Not `run_sync`, which leaves a loop that nobody closes.
    return asyncio.run(made.run("go"))


def told(result: Any) -> list[Any]:
    assert result.output == "done"
    parts = (part for message in result.all_messages() for part in message.parts)
    return [part.content for part in parts if isinstance(part, ToolReturnPart)]


def test_the_example(tmp_path: Path) -> None:
    check_example("pydantic_ai_agent", tmp_path)


def test_a_run_has_a_session_of_its_own(toolchain_home: Path, tmp_path: Path) -> None:
    folder = toolchain_home / "cache" / "sessions"
    before = set(folder.glob("*"))
    toolset = CapsuleToolset(tools=[price], timeout="2s", cwd=tmp_path)
    codes = (
        "n = 1 if 'n' not in globals() else 99",
        "n + price('apple')",
        "1 / 0",
        "import time\ntime.sleep(60)",
    )
    for _ in range(2):
        said = told(ran(agent(toolset, *codes)))
        assert said[:2] == ["(no output)", "3.5"]
        assert 'File "turn 3", line 1, in <module>' in said[2]
        assert 'timeout="2s"' in said[3]
    assert set(folder.glob("*")) <= before


def test_runs_at_once_do_not_meet(tmp_path: Path) -> None:
    toolset = CapsuleToolset(cwd=tmp_path)

    async def main() -> list[Any]:
        runs = (agent(toolset, f"n = {number}", "n").run("go") for number in range(3))
        return [told(result)[-1] for result in await asyncio.gather(*runs)]

    assert asyncio.run(main()) == ["0", "1", "2"]


def test_calls_of_one_response_go_in_order(tmp_path: Path) -> None:
    codes = ["n = 1", "n += 1", "n *= 10", "n"]

    def script(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if len(messages) > 1:
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart("run_python", {"code": code}) for code in codes])

    made = Agent(FunctionModel(script), toolsets=[CapsuleToolset(cwd=tmp_path)])
    assert told(ran(made))[-1] == "20"


def test_figures_are_binary_content(tmp_path: Path) -> None:
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    toolset = CapsuleToolset(cwd=tmp_path, timeout="60s", ram="1GB")
    text, image = told(ran(agent(toolset, plot)))[0]
    assert "(a figure of" in text
    assert isinstance(image, BinaryContent)
    assert (image.media_type, image.data[:4]) == ("image/png", b"\x89PNG")


def test_a_session_that_outlives_the_runs(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with Session(cwd=tmp_path) as session:
            toolset = CapsuleToolset(session)
            await agent(toolset, "n = 5").run("go")
            return told(await agent(toolset, "n").run("go"))

    assert asyncio.run(main()) == ["5"]
    with pytest.raises(TypeError, match=r"takes no options: \['ram'\]"):
        CapsuleToolset(Session(), ram="1GB")


def test_what_the_model_is_told_of_the_tool(tmp_path: Path) -> None:
    seen: list[AgentInfo] = []
    ran(agent(CapsuleToolset(tools=[price], cwd=tmp_path), seen=seen))
    (tool,) = seen[0].function_tools
    assert (tool.name, tool.parameters_json_schema["required"]) == ("run_python", ["code"])
    assert "- price(fruit: str) -> float: Return what it costs." in (tool.description or "")


def test_type_errors_are_told(tmp_path: Path) -> None:
    toolset = CapsuleToolset(tools=[price], cwd=tmp_path, check=True)
    assert told(ran(agent(toolset, "price(3)")))[0].startswith("type_error: 1 type error")
