"""Sessions for smolagents: a `PythonExecutor`, for `CodeAgent(executor=...)`."""

from __future__ import annotations

import inspect
import io
from typing import TYPE_CHECKING, Any, Self

from capsule.adapters import crossed_values
from capsule.adapters.missing import not_installed
from capsule.adapters.observation import MOST_TEXT, Observation, cut, observed
from capsule.adapters.tool_bridge import BridgedSession, FinalValue
from capsule.errors import CapsuleError

try:
    import PIL.Image
    from smolagents import serialization
    from smolagents.local_python_executor import CodeOutput, PythonExecutor
    from smolagents.monitoring import AgentLogger, LogLevel
    from smolagents.utils import AgentExecutionError
except ImportError as error:
    raise not_installed("smolagents", error) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capsule.sessions.turn import Turn

_FINAL = "final_answer"
# The framework's own code on both sides: tuples, sets, dates, arrays and images cross over.
_CODEC = (
    inspect.getsource(serialization)
    + "\nto_json, from_json = SafeSerializer.to_json_safe, SafeSerializer.from_json_safe\n"
)
_PRINTED = "_print_outputs"


class CapsuleExecutor(PythonExecutor):
    """A `PythonExecutor` whose code runs in a session; `cleanup` or a `with` block closes it.

    Tools of the agent are called on the host. What code raises, and a limit that it meets, is an
    `AgentExecutionError`, which the agent tells its model; the session goes on. `images` are the
    figures of the last call: `CodeAgent(step_callbacks=[executor.show])` shows them to the model.
    Options are those of a `SessionSync`.
    """

    def __init__(self, *, most: int = MOST_TEXT, **options: Any) -> None:
        self._session, self._most = BridgedSession(options, _CODEC), most
        self._tools: dict[str, Callable[..., Any]] = {}
        self._variables: dict[str, Any] = {}
        # What the agent tells its model of a call that failed.
        self.state: dict[str, Any] = {_PRINTED: ""}
        self.images: list[PIL.Image.Image] = []

    def __repr__(self) -> str:
        return f"<CapsuleExecutor with {len(self._tools)} tools>"

    def send_tools(self, tools: Mapping[str, Callable[..., Any]]) -> None:
        """Have code call these from now on."""
        self._tools = dict(tools)

    def send_variables(self, variables: dict[str, Any]) -> None:
        """Have code see these, from the next call on. Raises `SerializationError`."""
        self._variables |= {
            name: serialization.SafeSerializer.to_json_safe(value)
            for name, value in variables.items()
        }

    def __call__(self, code_action: str) -> CodeOutput:
        """Run code. Raises `AgentExecutionError` for what it raises, or what stops it."""
        final, variables = FinalValue(), self._variables
        self.state[_PRINTED], self.images, self._variables = "", [], {}
        try:
            tools = {
                name: _crossing(tool, final if name == _FINAL else None)
                for name, tool in self._tools.items()
            }
            turn = self._session.run(code_action, tools, variables, ending=_FINAL, final=final)
        except CapsuleError as error:
            self._variables = variables
            raise _failed(str(error)) from error
        seen = observed(turn, self._most)
        self.images = list(filter(None, (_image(figure.png) for figure in seen.figures)))
        return self._output(turn, seen, final)

    def show(self, step: Any, agent: Any = None) -> None:  # noqa: ARG002 - what callbacks are given
        """Put the figures of a step before the model: a callback of `CodeAgent`."""
        if self.images and hasattr(step, "observations_images"):
            step.observations_images = [*(step.observations_images or []), *self.images]

    def cleanup(self) -> None:
        """End the session."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def _output(self, turn: Turn, seen: Observation, final: FinalValue) -> CodeOutput:
        logs = cut(turn["execution"]["stdout"] + turn["execution"]["stderr"], self._most)
        self.state[_PRINTED] = logs
        if final.given:
            return CodeOutput(output=final.value, logs=logs, is_final_answer=True)
        if turn["error"] is not None:
            raise _failed(seen.text)
        output = turn["result"] if turn["result"] is not None else turn.text or None
        return CodeOutput(output=output, logs=logs, is_final_answer=False)


def _crossing(tool: Callable[..., Any], final: FinalValue | None) -> Callable[..., Any]:
    """Return a tool that takes and gives what JSON can hold; what `final` is given stays here."""
    codec = serialization.SafeSerializer

    def call(*args: Any, **kwargs: Any) -> Any:
        crossed_values.check([*args, kwargs])
        taken = [codec.from_json_safe(value) for value in args]
        named = {name: codec.from_json_safe(value) for name, value in kwargs.items()}
        value = tool(*taken, **named)
        return codec.to_json_safe(value) if final is None else final.give(value)

    call.__doc__ = getattr(tool, "description", None) or inspect.getdoc(tool)
    return call


def _image(png: bytes) -> PIL.Image.Image | None:
    """Return an image, None for what only looks like one."""
    try:
        return PIL.Image.open(io.BytesIO(png), formats=["PNG"])
    except (OSError, ValueError, SyntaxError):
        return None


def _failed(message: str) -> AgentExecutionError:
    # The agent logs what it catches: not twice.
    return AgentExecutionError(message, AgentLogger(level=LogLevel.OFF))
