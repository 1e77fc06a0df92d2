"""The adapter for LangChain, with the real package and a scripted model."""

from __future__ import annotations

import asyncio
import base64
import gc
from copy import deepcopy
from threading import Barrier, Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, wrap_tool_call
from langchain.tools import tool
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from capsule import Session, SessionSync, StateError, Turn
from capsule.adapters.langchain import CapsuleMiddleware, python_tool
from capsule.sessions import opening
from capsule.sessions.state_handles import StateHandles
from tests.adapters.example_page import check_example

if TYPE_CHECKING:
    from pathlib import Path


class Scripted(GenericFakeChatModel):
    """Runs each code in turn, and then says that it is done."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


ASK = "ask"  # in place of code: a tool that a human answers


def model(*steps: str | tuple[str, ...]) -> Scripted:
    """A model with a message for each step, with one call, or several that run at once."""
    said = []
    for at, step in enumerate(steps):
        calls: list[Any] = [
            {"name": "run_python", "args": {"code": code}, "id": f"{at}.{number}"}
            if code != ASK
            else {"name": ASK, "args": {}, "id": f"{at}.{number}"}
            for number, code in enumerate((step,) if isinstance(step, str) else step)
        ]
        said.append(AIMessage("", tool_calls=calls))
    return Scripted(messages=iter([*said, AIMessage("done")]))


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
        copied = deepcopy(messages[1].artifact)
        assert (copied, copied.text) == (messages[1].artifact, "3.5")
        assert copied.state.name
        assert "capsule_run" not in result


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


def test_without_checkpoints_nothing_is_kept(toolchain_home: Path, tmp_path: Path) -> None:
    """Though a thread may have a name, as for a store."""
    states = toolchain_home / "states"
    before = set(states.glob("*"))
    middleware = CapsuleMiddleware(cwd=tmp_path)
    failing = create_agent(Scripted(messages=iter([])), middleware=[middleware])
    with pytest.raises(RuntimeError):
        failing.invoke(ASKED, THREAD)
    agent = create_agent(model("n = 1", "n"), middleware=[middleware])
    assert told(agent.invoke(ASKED, THREAD))[1].text == "1"
    assert repr(middleware._runs) == "<RunSessions 0 open>"
    assert set(states.glob("*")) <= before


def interrupted(middleware: CapsuleMiddleware, saver: Any, *codes: str | tuple[str, ...]) -> Any:
    """An agent whose every call of the tool a human looks at first."""
    human = HumanInTheLoopMiddleware(interrupt_on={"run_python": True})
    return create_agent(model(*codes), middleware=[middleware, human], checkpointer=saver)


THREAD: Any = {"configurable": {"thread_id": "1"}}
APPROVED: Any = Command(resume={"decisions": [{"type": "approve"}]})


@pytest.mark.parametrize("awaited", [False, True])
def test_an_interrupted_run_goes_on_with_what_it_had(
    toolchain_home: Path, tmp_path: Path, awaited: bool
) -> None:
    middleware = CapsuleMiddleware(tools=[price], timeout="20s", cwd=tmp_path)
    agent = interrupted(
        middleware,
        InMemorySaver(),
        "n = 1",
        "n += 1\nopen('a', 'w').write('x')",
        "n, open('a').read()",
    )
    result: dict[str, Any] = {}
    for asked in (ASKED, APPROVED, APPROVED, APPROVED):
        result = (
            asyncio.run(agent.ainvoke(asked, THREAD)) if awaited else agent.invoke(asked, THREAD)
        )
        assert ("__interrupt__" in result) == (len(told_of(result)) < 3)
    assert told(result)[2].text == "(2, 'x')"
    assert not result.keys() & {"capsule_run", "capsule_key"}
    assert repr(middleware._runs) == "<RunSessions 0 open>"


def told_of(result: dict[str, Any]) -> list[ToolMessage]:
    return [message for message in result["messages"] if isinstance(message, ToolMessage)]


def test_it_goes_on_in_another_process(tmp_path: Path) -> None:
    """Whose checkpoints have nothing but a key; its middleware is another one."""
    saver = InMemorySaver()
    options: dict[str, Any] = {"timeout": "20s", "cwd": tmp_path, "files": {"a.txt": b"begin"}}
    codes = ("n = [41]\nopen('a.txt', 'a').write(' end')", "n[0] + 1, open('a.txt').read()")
    agent = interrupted(CapsuleMiddleware(**options), saver, *codes)
    for asked in (ASKED, APPROVED):
        agent.invoke(asked, THREAD)
    other = interrupted(CapsuleMiddleware(**options), saver, *codes)
    other.invoke(None, THREAD)  # what was approved there is not run anew here
    done = other.invoke(APPROVED, THREAD)
    assert told_of(done)[1].text == "(42, 'begin end')"


def test_it_goes_on_from_an_older_checkpoint(tmp_path: Path) -> None:
    """With what it had then, though the session that it had is open and has gone on."""
    middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    agent = interrupted(middleware, InMemorySaver(), "n = 1", "n += 1", "never", "n")
    for asked in (ASKED, APPROVED):
        agent.invoke(asked, THREAD)
    before = agent.get_state(THREAD).config
    agent.invoke(APPROVED, THREAD)
    # "n += 1" once more, from where n was 1; the model has its next code for it.
    agent.invoke(APPROVED, before)
    assert told_of(agent.invoke(APPROVED, THREAD))[-1].text == "2"


def test_interrupted_runs_that_nobody_goes_on_with_are_bounded(tmp_path: Path) -> None:
    middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    saver = InMemorySaver()
    threads: list[Any] = [{"configurable": {"thread_id": str(number)}} for number in range(10)]
    agents = [interrupted(middleware, saver, f"n = {at}", "n") for at in range(len(threads))]
    for thread, agent in zip(threads, agents, strict=True):
        agent.invoke(ASKED, thread)
        agent.invoke(APPROVED, thread)
    assert repr(middleware._runs) == "<RunSessions 8 open>"
    for at in (0, 9):
        assert told(agents[at].invoke(APPROVED, threads[at]))[1].text == str(at)


def test_what_could_not_be_kept_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it is open still; elsewhere an older state would be a wrong answer."""
    saver = InMemorySaver()
    middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    agent = interrupted(middleware, saver, "n = 1", "n", "n")
    few: dict[str, Any] = {**(StateHandles.__init__.__kwdefaults__ or {}), "most_bytes": 1000}
    monkeypatch.setattr(StateHandles.__init__, "__kwdefaults__", few)
    for asked in (ASKED, APPROVED):
        agent.invoke(asked, THREAD)
    other = interrupted(CapsuleMiddleware(timeout="20s", cwd=tmp_path), saver, "n")
    config = agent.get_state(THREAD).config
    with pytest.raises(StateError, match="too large to be kept"):
        other.invoke(APPROVED, config)
    assert told_of(agent.invoke(APPROVED, THREAD))[1].text == "1"


@tool
def ask() -> str:
    """Ask a human."""
    return str(interrupt("?"))


def asking(middleware: CapsuleMiddleware, saver: Any, *steps: Any, **options: Any) -> Any:
    return create_agent(
        model(*steps), tools=[ask], middleware=[middleware], checkpointer=saver, **options
    )


def texts(result: dict[str, Any]) -> list[str]:
    return [message.text for message in told_of(result)]


def test_a_key_comes_with_the_answer_of_a_call(tmp_path: Path) -> None:
    """Where a run stops right after its tools, nothing else has happened yet."""
    saver = InMemorySaver()
    first, other = (CapsuleMiddleware(timeout="20s", cwd=tmp_path) for _ in range(2))
    agent = asking(first, saver, "n = 1", "n += 1\nn", interrupt_after=["tools"])
    agent.invoke(ASKED, THREAD)
    assert texts(agent.invoke(None, THREAD)) == ["(no output)", "2"]
    done = asking(other, saver, "n").invoke(None, THREAD)
    assert texts(done) == ["(no output)", "2", "2"]


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("is_other", [False, True])
def test_a_call_beside_one_that_interrupts(tmp_path: Path, is_other: bool, awaited: bool) -> None:
    saver = InMemorySaver()
    middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    agent = asking(middleware, saver, "n = 1", ("n += 1\nn", ASK))
    if awaited:
        asyncio.run(agent.ainvoke(ASKED, THREAD))
    else:
        agent.invoke(ASKED, THREAD)
    if is_other:
        middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    agent = asking(middleware, saver, "n")
    answer: Any = Command(resume="yes")
    result = asyncio.run(agent.ainvoke(answer, THREAD)) if awaited else agent.invoke(answer, THREAD)
    assert texts(result) == ["(no output)", "2", "yes", "2"]


def test_what_is_run_anew_begins_with_what_its_checkpoint_has(tmp_path: Path) -> None:
    middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    agent = asking(middleware, InMemorySaver(), "n = 1", ("n += 1\nn", ASK), "n")
    agent.invoke(ASKED, THREAD)
    assert texts(agent.invoke(None, agent.get_state(THREAD).config)) == ["(no output)", "2"]
    result = agent.invoke(Command(resume="yes"), THREAD)
    assert texts(result) == ["(no output)", "2", "yes", "2"]


def test_branches_of_a_checkpoint_at_once(tmp_path: Path) -> None:
    """Each has what the checkpoint had, and what it did; the end of one ends no other."""
    both = Barrier(2)

    def meet() -> None:
        """Wait until the other branch is in its call, too."""
        both.wait(60)

    middleware = CapsuleMiddleware(tools=[meet], timeout="60s", cwd=tmp_path)
    saver = InMemorySaver()
    agent = interrupted(middleware, saver, "n = 1", "n += 1\nmeet()\nn")
    for asked in (ASKED, APPROVED):
        agent.invoke(asked, THREAD)
    config, said = agent.get_state(THREAD).config, []

    def branch() -> None:
        said.append(texts(interrupted(middleware, saver).invoke(APPROVED, config)))

    threads = [Thread(target=branch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [["(no output)", "2"]] * 2
    assert repr(middleware._runs) == "<RunSessions 0 open>"


def test_calls_of_a_message_share_the_session_that_they_go_on_with(tmp_path: Path) -> None:
    saver = InMemorySaver()
    options: dict[str, Any] = {"timeout": "20s", "cwd": tmp_path}
    steps = ("n = 1", ("n += 1\nn", "n += 1\nn"), "n")
    agent = interrupted(CapsuleMiddleware(**options), saver, *steps)
    for asked in (ASKED, APPROVED):
        agent.invoke(asked, THREAD)
    both: Any = Command(resume={"decisions": [{"type": "approve"}] * 2})
    result = interrupted(CapsuleMiddleware(**options), saver, "n").invoke(both, THREAD)
    assert sorted(texts(result)[1:]) == ["2", "3"]
    result = interrupted(CapsuleMiddleware(**options), saver).invoke(APPROVED, THREAD)
    assert texts(result)[-1] == "3"


@pytest.mark.parametrize("is_other", [False, True])
def test_calls_of_a_message_that_ran_in_two_sessions(tmp_path: Path, is_other: bool) -> None:
    """One is done when the other fails, and that one is run later: neither has both."""
    done, fails = Event(), [True]

    @wrap_tool_call
    def failing(request: Any, handler: Any) -> Any:
        if request.tool_call["id"] == "1.1" and fails:
            assert done.wait(60)
            fails.clear()
            raise RuntimeError("down")
        return handler(request)

    class Saver(InMemorySaver):
        def put_writes(self, config: Any, writes: Any, *rest: Any) -> None:
            super().put_writes(config, writes, *rest)
            if any("capsule_key" in write and fails for write in writes) and begun:
                done.set()

    begun: list[bool] = []
    saver = Saver()

    def agent(*steps: Any) -> Any:
        middleware: list[Any] = [CapsuleMiddleware(timeout="20s", cwd=tmp_path), failing]
        return create_agent(
            model(*steps), middleware=middleware, checkpointer=saver, interrupt_before=["tools"]
        )

    one = agent("n = 1", ("n += 1\nn", "n += 1\nn"))
    one.invoke(ASKED, THREAD)
    one.invoke(None, THREAD)
    begun.append(True)
    with pytest.raises(RuntimeError, match="down"):
        one.invoke(None, THREAD)
    with pytest.raises(StateError, match="in two sessions"):
        (agent() if is_other else one).invoke(None, THREAD)


def test_a_call_that_is_refused_beside_one_that_runs(tmp_path: Path) -> None:
    """It has nothing to say of where the session stands."""
    saver, options = InMemorySaver(), {"interrupt_after": ["tools"]}
    first, other = (
        CapsuleMiddleware(tools=[price], timeout="20s", cwd=tmp_path, check=True) for _ in range(2)
    )
    agent = asking(first, saver, ("n = 1", "price(3)"), ("n += 1\nn", "price(4)"), **options)
    refused = texts(agent.invoke(ASKED, THREAD))[1]
    assert refused.startswith("type_error")
    assert texts(agent.invoke(None, THREAD))[2] == "2"
    assert texts(asking(other, saver, "n").invoke(None, THREAD))[-1] == "2"


def test_a_middleware_that_takes_the_answer_for_its_own(tmp_path: Path) -> None:
    saver = InMemorySaver()

    @wrap_tool_call
    def plain(request: Any, handler: Any) -> Any:
        state = {key: value for key, value in request.state.items() if key != "messages"}
        answer = handler(request.override(state=deepcopy(state)))
        return ToolMessage(
            answer.update["messages"][0].content, tool_call_id=request.tool_call["id"]
        )

    def agent(*steps: str) -> Any:
        middleware: list[Any] = [CapsuleMiddleware(timeout="20s", cwd=tmp_path), plain]
        return create_agent(
            model(*steps), middleware=middleware, checkpointer=saver, interrupt_before=["tools"]
        )

    one = agent("n = 1", "n")
    one.invoke(ASKED, THREAD)
    one.invoke(None, THREAD)
    assert texts(agent().invoke(None, THREAD))[-1] == "1"


def test_a_run_of_before_the_middleware(tmp_path: Path) -> None:
    saver = InMemorySaver()

    @tool("run_python")
    def another(code: str) -> str:
        """Run code, elsewhere."""
        return code

    options: dict[str, Any] = {"checkpointer": saver, "interrupt_before": ["tools"]}
    create_agent(model("1"), tools=[another], **options).invoke(ASKED, THREAD)
    agent = create_agent(model(), middleware=[CapsuleMiddleware(cwd=tmp_path)], **options)
    with pytest.raises(StateError, match="began without a session"):
        agent.invoke(None, THREAD)


def test_cancelling_ends_the_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, opened = Event(), opening.opened

    def slow(said: Any, stop: Any) -> Any:
        begun.set()
        cancelled = Event()
        stop.attach(cancelled.set)
        assert cancelled.wait(60)
        return opened(said, stop)

    monkeypatch.setattr(opening, "opened", slow)
    middleware = CapsuleMiddleware(timeout="20s", cwd=tmp_path)
    agent = asking(middleware, InMemorySaver())

    async def main() -> None:
        run = asyncio.create_task(agent.ainvoke(ASKED, THREAD))
        await asyncio.to_thread(begun.wait, 60)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    assert repr(middleware._runs) == "<RunSessions 0 open>"


def test_opening_one_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saver, begun, others, resumed = InMemorySaver(), Event(), Event(), opening.resumed

    def slow(*args: Any, **options: Any) -> Any:
        begun.set()
        assert others.wait(60)
        return resumed(*args, **options)

    monkeypatch.setattr(opening, "resumed", slow)
    first, middleware = (CapsuleMiddleware(timeout="20s", cwd=tmp_path) for _ in range(2))
    agent = interrupted(first, saver, "n = 1", "n")
    for asked in (ASKED, APPROVED):
        agent.invoke(asked, THREAD)
    said: list[dict[str, Any]] = []
    slowly = interrupted(middleware, saver)
    thread = Thread(target=lambda: said.append(slowly.invoke(APPROVED, THREAD)))
    thread.start()
    assert begun.wait(60)
    other = asking(middleware, InMemorySaver(), "n = 5", "n")
    assert texts(other.invoke(ASKED, {"configurable": {"thread_id": "2"}}))[-1] == "5"
    others.set()
    thread.join()
    assert texts(said[0])[-1] == "1"
