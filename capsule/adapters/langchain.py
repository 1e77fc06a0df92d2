"""Sessions for LangChain: a tool, and a middleware that gives each run of an agent its own."""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from capsule.adapters.code_function import DESCRIPTION, NAME, ready_to_check
from capsule.adapters.missing import not_installed
from capsule.adapters.observation import MOST_TEXT, described, joined, observed, refused
from capsule.errors import CapsuleError
from capsule.sessions.session import Session, SessionSync

try:
    from langchain.agents.middleware import AgentMiddleware
    from langchain.agents.middleware.types import AgentState, PrivateStateAttr
    from langchain.tools import ToolRuntime  # noqa: TC002 - the framework reads annotations
    from langchain_core.tools import BaseTool, StructuredTool
    from langgraph.channels import UntrackedValue
except ImportError as error:
    raise not_installed("langchain", error) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langgraph.runtime import Runtime

    from capsule.adapters.observation import Observation
    from capsule.sessions.turn import Turn

    Answer = tuple[str | list[dict[str, Any]], Turn | None]

_STATE = "capsule_session"


def python_tool(
    session: Session | SessionSync,
    *,
    name: str = NAME,
    check: bool = False,
    most: int = MOST_TEXT,
) -> BaseTool:
    """Return a tool that runs code in a session: text for the model, and figures as images.

    A `Session` needs an agent that is awaited (`ainvoke`); a `SessionSync` serves both. The `Turn`
    is the message's artifact. `check` has type errors found first.
    """
    ready_to_check(check=check)

    def run_sync(code: str) -> Any:
        if isinstance(session, Session):
            raise TypeError("this tool has a Session: use ainvoke, or give it a SessionSync")
        return _answered(lambda: session.run(code, check=check), most)

    async def run_async(code: str) -> Any:
        if isinstance(session, SessionSync):
            raise TypeError("a SessionSync is not awaited")
        return await _awaited(session, code, most, check=check)

    return StructuredTool.from_function(
        run_sync,
        run_async if isinstance(session, Session) else None,
        name=name,
        description=joined([DESCRIPTION, described(session.tools)]),
        response_format="content_and_artifact",
    )


class CapsuleState(AgentState[Any]):
    """An agent's state with the session of its run, which no checkpoint has."""

    capsule_session: NotRequired[Annotated[Any, UntrackedValue, PrivateStateAttr]]  # type: ignore[valid-type]


class CapsuleMiddleware(AgentMiddleware[CapsuleState, Any, Any]):
    """Gives each run of an agent a session of its own, and a tool that runs code in it.

    Options are those of a `Session`; the session is opened when a run begins and closed when it
    ends. After an interrupt a run goes on with a new one: what has to outlive that is a tool with a
    session of yours, `python_tool(session)`.
    """

    state_schema = CapsuleState

    def __init__(
        self, *, name: str = NAME, check: bool = False, most: int = MOST_TEXT, **options: Any
    ) -> None:
        super().__init__()
        ready_to_check(check=check)
        self._options, self._check, self._most = options, check, most
        about = SessionSync(**options)

        def run_sync(code: str, runtime: ToolRuntime[Any, Any]) -> Any:
            session = runtime.state[_STATE]
            return _answered(lambda: session.run(code, check=check), most)

        async def run_async(code: str, runtime: ToolRuntime[Any, Any]) -> Any:
            return await _awaited(runtime.state[_STATE], code, most, check=check)

        tool = StructuredTool.from_function(
            run_sync,
            run_async,
            name=name,
            description=joined([DESCRIPTION, described(about.tools)]),
            response_format="content_and_artifact",
        )
        self.tools: Sequence[BaseTool] = [tool]

    def before_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Open a session for a run."""
        session = SessionSync(**self._options).__enter__()
        _close_at_the_end(session)
        return {_STATE: session}

    async def abefore_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Open a session for a run that is awaited."""
        session = await Session(**self._options).__aenter__()
        _close_at_the_end(session)
        return {_STATE: session}

    def after_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> None:  # noqa: ARG002
        """Close the session of a run."""
        session = state.get(_STATE)
        if isinstance(session, SessionSync):
            session.close()

    async def aafter_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> None:  # noqa: ARG002
        """Close the session of a run that is awaited."""
        session = state.get(_STATE)
        if isinstance(session, Session):
            await session.close()


def _close_at_the_end(session: Session | SessionSync) -> None:
    """Have a session closed with the last that knows it: a run that fails has no end."""
    weakref.finalize(session, _closed, session._opened().close)  # noqa: SLF001 - the session is gone


def _closed(close: Callable[[], None]) -> None:
    with suppress(CapsuleError):
        close()


async def _awaited(session: Session, code: str, most: int, *, check: bool) -> Answer:
    try:
        turn = await session.run(code, check=check)
    except CapsuleError as error:
        return _content(refused(error, most)), None
    return _content(observed(turn, most)), turn


def _answered(run: Callable[[], Turn], most: int) -> Answer:
    try:
        turn = run()
    except CapsuleError as error:
        return _content(refused(error, most)), None
    return _content(observed(turn, most)), turn


def _content(seen: Observation) -> str | list[dict[str, Any]]:
    """Return an observation as content of a message: blocks where there are figures."""
    if not seen.figures:
        return seen.text
    images = (
        {"type": "image", "base64": figure.base64, "mime_type": "image/png"}
        for figure in seen.figures
    )
    return [{"type": "text", "text": seen.text}, *images]
