"""Sessions for LangChain: a tool, and a middleware that gives each run of an agent its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from capsule.adapters.code_function import DESCRIPTION, NAME, ready_to_check
from capsule.adapters.missing import not_installed
from capsule.adapters.observation import MOST_TEXT, described, joined, observed, refused
from capsule.adapters.run_key import merged, parsed
from capsule.adapters.run_sessions import Run, RunSessions
from capsule.errors import CapsuleError
from capsule.process.cancel import Cancellation
from capsule.sdk.threads import in_thread
from capsule.sessions.session import Session, SessionSync
from capsule.sessions.state_file import StateError

try:
    from langchain.agents.middleware import AgentMiddleware
    from langchain.agents.middleware.types import AgentState, PrivateStateAttr
    from langchain.tools import ToolRuntime  # noqa: TC002 - the framework reads annotations
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import BaseTool, StructuredTool
    from langgraph.channels import UntrackedValue
    from langgraph.config import get_config
    from langgraph.types import Command
except ImportError as error:
    raise not_installed("langchain", error) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from langchain_core.runnables import RunnableConfig
    from langgraph.runtime import Runtime

    from capsule.adapters.observation import Observation
    from capsule.adapters.run_key import RunKey
    from capsule.sessions.turn import Turn

    Answer = tuple[str | list[dict[str, Any]], Turn | None]

_RUN, _KEY = "capsule_run", "capsule_key"
# Where langgraph has what keeps the checkpoints, and what reads the state, for parts of a graph.
_CHECKPOINTER, _READ = "__pregel_checkpointer", "__pregel_read"


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


class _RunChannel(UntrackedValue[Any]):
    """What all parts of one call of an agent have in common, and no checkpoint has."""

    def from_checkpoint(self, checkpoint: Any) -> Self:
        made = super().from_checkpoint(checkpoint)
        made.value = Run()
        return made


class CapsuleState(AgentState[Any]):
    """An agent's state, with the run, which no checkpoint has, and the key of its session."""

    capsule_run: NotRequired[Annotated[Any, _RunChannel, PrivateStateAttr]]  # type: ignore[valid-type]
    capsule_key: NotRequired[Annotated[str, PrivateStateAttr, merged]]  # type: ignore[valid-type]


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
            run, key, lasts = _of_call(runtime)
            with Cancellation() as stop:
                session = runs.take(run, key, stop)
            saved = None
            try:
                answer = _answered(lambda: session.of(SessionSync).run(code, check=check), most)
                saved = session.save() if lasts else None
            finally:
                runs.give_back(run, session, lasts=lasts, saved=saved is not None)
            return _told(answer, saved, key, runtime.tool_call_id)

        async def run_async(code: str, runtime: ToolRuntime[Any, Any]) -> Any:
            run, key, lasts = _of_call(runtime)
            session = await in_thread(lambda stop: runs.take(run, key, stop))
            saved = None
            try:
                answer = await _awaited(session.of(Session), code, most, check=check)
                saved = await in_thread(lambda _: session.save()) if lasts else None
            finally:
                runs.give_back(run, session, lasts=lasts, saved=saved is not None)
            return _told(answer, saved, key, runtime.tool_call_id)

        tool = StructuredTool.from_function(
            run_sync,
            run_async,
            name=name,
            description=joined([DESCRIPTION, described(SessionSync(**options).tools)]),
        )
        self.tools: Sequence[BaseTool] = [tool]

    def before_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Open a session for a run."""
        lasts = _lasts(get_config())
        with Cancellation() as stop:
            return self._begun(state, stop, lasts=lasts)

    async def abefore_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Open a session for a run that is awaited."""
        lasts = _lasts(get_config())
        return await in_thread(lambda stop: self._begun(state, stop, lasts=lasts))

    def before_model(self, state: CapsuleState, runtime: Runtime[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Refuse to go on with answers that no session stands for."""
        run, key = _of(state)
        if not key:
            return {}
        parsed(key)
        # Another middleware may have taken the tool's answer, and the key with it, for its own.
        mine = self._runs.key_of(run)
        return {} if mine is None or str(mine) == key else {_KEY: str(mine)}

    def after_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> None:  # noqa: ARG002
        """Close the session of a run."""
        self._ended(state)

    async def aafter_agent(self, state: CapsuleState, runtime: Runtime[Any]) -> None:  # noqa: ARG002
        """Close the session of a run that is awaited."""
        await in_thread(lambda _: self._ended(state))

    def _begun(self, state: CapsuleState, stop: Cancellation, *, lasts: bool) -> dict[str, Any]:
        key = self._runs.begin(_of(state)[0], stop, lasts=lasts)
        return {_KEY: str(key)} if lasts else {}

    def _ended(self, state: CapsuleState) -> None:
        run, key = _of(state)
        self._runs.end(run, key)
        if key:
            # A tool whose answer is the last has no model asked any more.
            parsed(key)


def _of(state: Any) -> tuple[Run, str]:
    """Return a run, and the key of its session, which is empty where it has no checkpoints."""
    if not isinstance(run := state.get(_RUN), Run):
        raise StateError("the tool of a CapsuleMiddleware is for calls of an agent that has that")
    return run, state.get(_KEY) or ""


def _of_call(runtime: ToolRuntime[Any, Any]) -> tuple[Run, str, bool]:
    """Return a run, the key of its session, and whether it lasts, for a call of the tool."""
    state, config = runtime.state, runtime.config
    read = config.get("configurable", {}).get(_READ)
    if read is not None and not isinstance(state.get(_RUN), Run):
        # Earlier releases put the state into the call, and that into a checkpoint, where no run is;
        # and another middleware may give the tool a copy.
        state = {**state, **read([_RUN])}
    return *_of(state), _lasts(config)


def _lasts(config: RunnableConfig) -> bool:
    """Say whether the run has checkpoints, from which it may be gone on with."""
    return bool(config.get("configurable", {}).get(_CHECKPOINTER))


def _told(answer: Answer, saved: RunKey | None, key: str, call: str | None) -> Any:
    """Return what the tool answers, with a new key: a checkpoint has both of them, or neither."""
    content: Any = answer[0]
    update: dict[str, Any] = {
        "messages": [ToolMessage(content=content, artifact=answer[1], tool_call_id=str(call))]
    }
    if saved is not None and str(saved) != key:
        update[_KEY] = str(saved)
    return Command(update=update)


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
