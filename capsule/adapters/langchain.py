"""Sessions for LangChain: a tool, and a middleware that gives each run of an agent its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from capsule.adapters.code_function import DESCRIPTION, NAME, ready_to_check
from capsule.adapters.missing import not_installed
from capsule.adapters.observation import MOST_TEXT, described, joined, observed, refused
from capsule.adapters.run_sessions import RunSession, RunSessions
from capsule.errors import CapsuleError
from capsule.sdk.threads import in_thread
from capsule.sessions.session import Session, SessionSync

try:
    from langchain.agents.middleware import AgentMiddleware
    from langchain.agents.middleware.types import AgentState, PrivateStateAttr
    from langchain.tools import ToolRuntime  # noqa: TC002 - the framework reads annotations
    from langchain_core.tools import BaseTool, StructuredTool
    from langgraph.channels import UntrackedValue
    from langgraph.config import get_config
except ImportError as error:
    raise not_installed("langchain", error) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langgraph.runtime import Runtime

    from capsule.adapters.observation import Observation
    from capsule.sessions.turn import Turn

    Answer = tuple[str | list[dict[str, Any]], Turn | None]

_SESSION, _KEY = "capsule_session", "capsule_key"


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
    """An agent's state, with the session of its run, which no checkpoint has, and its key."""

    capsule_session: NotRequired[Annotated[Any, UntrackedValue, PrivateStateAttr]]  # type: ignore[valid-type]
    capsule_key: NotRequired[Annotated[str, PrivateStateAttr]]  # type: ignore[valid-type]


class CapsuleMiddleware(AgentMiddleware[CapsuleState, Any, Any]):
    """Gives each run of an agent a session of its own, and a tool that runs code in it.

    Options are those of a `Session`; the session is opened when a run begins and closed when it
    ends. With a checkpointer, a run that was interrupted goes on with what it had, in another
    process too, and one that goes on from an older checkpoint with what it had then.
    """

    state_schema = CapsuleState

    def __init__(
        self, *, name: str = NAME, check: bool = False, most: int = MOST_TEXT, **options: Any
    ) -> None:
        super().__init__()
        ready_to_check(check=check)
        self._runs = runs = RunSessions(options)

        def run_sync(code: str, runtime: ToolRuntime[Any, Any]) -> Any:
            run = _found(runs, runtime.state)
            return _answered(lambda: run.of(SessionSync).run(code, check=check), most)

        async def run_async(code: str, runtime: ToolRuntime[Any, Any]) -> Any:
            run = await in_thread(lambda _: _found(runs, runtime.state))
            return await _awaited(run.of(Session), code, most, check=check)

        tool = StructuredTool.from_function(
            run_sync,
            run_async,
            name=name,
            description=joined([DESCRIPTION, described(SessionSync(**options).tools)]),
            response_format="content_and_artifact",
        )
        self.tools: Sequence[BaseTool] = [tool]

    def before_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Open a session for a run."""
        return _said(self._runs.begin(lasts=_lasts()))

    async def abefore_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Open a session for a run that is awaited."""
        lasts = _lasts()
        return _said(await in_thread(lambda _: self._runs.begin(lasts=lasts)))

    def before_model(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Keep what the code did for a run that may be interrupted now."""
        return self._kept(state) if _lasts() else {}

    async def abefore_model(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Keep what the code did for a run that may be interrupted now, without holding it up."""
        return await in_thread(lambda _: self._kept(state)) if _lasts() else {}

    def after_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> None:  # noqa: ARG002
        """Close the session of a run."""
        self._ended(state)

    async def aafter_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> None:  # noqa: ARG002
        """Close the session of a run that is awaited."""
        await in_thread(lambda _: self._ended(state))

    def _kept(self, state: CapsuleState) -> dict[str, Any]:
        run = _found(self._runs, state)
        self._runs.keep(run)
        return _said(run)

    def _ended(self, state: CapsuleState) -> None:
        if isinstance(run := state.get(_SESSION), RunSession):
            run.close()
        self._runs.end(str(state.get(_KEY)))


def _found(runs: RunSessions, state: Any) -> RunSession:
    """Return the session of a run, which lost it where it was interrupted."""
    run = state.get(_SESSION)
    return run if isinstance(run, RunSession) else runs.find(state[_KEY])


def _said(run: RunSession) -> dict[str, Any]:
    return {_SESSION: run, _KEY: run.key}


def _lasts() -> bool:
    """Say whether the run has checkpoints, from which it may be gone on with."""
    return bool(get_config().get("configurable", {}).get("thread_id"))


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
