"""Sessions for DSPy: a `CodeInterpreter`, for RLM and other modules that run code."""

from __future__ import annotations

import functools
import inspect
import json
import keyword
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

from capsule.adapters.missing import not_installed
from capsule.adapters.observation import MOST_TEXT, cut, observed
from capsule.adapters.tool_bridge import BridgedSession, FinalValue
from capsule.errors import CapsuleError

try:
    from dspy.primitives.code_interpreter import (
        CodeExecutionError,
        CodeInterpreterError,
        FinalOutput,
    )
except ImportError as error:
    raise not_installed("dspy", error) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capsule.sessions.turn import Turn

_NAMED = inspect.Parameter.POSITIONAL_OR_KEYWORD
_SUBMIT = "SUBMIT"
_RESERVED = frozenset((_SUBMIT, "__builtins__"))
_SYNTAX = ("SyntaxError:", "IndentationError:", "TabError:")


class CapsuleInterpreter:
    """A `CodeInterpreter` whose code runs in a session: give the class as `interpreter_factory`.

    `tools` may change between executions; options are those of a `SessionSync`. What code raises,
    and a limit that it meets, is a `CodeExecutionError`, after which the session goes on.
    """

    execution_instructions: ClassVar[str] = (
        "Code runs in a Python 3.15 sandbox, without files of the host. Variables, imports and"
        " functions persist between executions. Tools and SUBMIT are plain functions whose"
        " arguments and results are JSON. Print what you want to see."
    )

    def __init__(
        self,
        tools: dict[str, Callable[..., Any]] | None = None,
        output_fields: list[dict[str, Any]] | None = None,
        *,
        most: int = MOST_TEXT,
        **options: Any,
    ) -> None:
        self.tools: dict[str, Callable[..., Any]] = dict(tools or {})
        _check_names("tool", self.tools)
        self.output_fields = output_fields
        self._most, self._session = most, BridgedSession(options)
        self._lock, self._over = threading.Lock(), False

    def __repr__(self) -> str:
        return f"<CapsuleInterpreter {'over' if self._over else 'ready'}>"

    def start(self) -> None:
        """Open the session; `execute` does it too. Raises `CodeInterpreterError`."""
        self._check_open()
        try:
            self._session.open()
        except CapsuleError as error:
            raise CodeInterpreterError(str(error)) from error

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """Run code and return what it submitted, its value where it printed nothing, or its output.

        Raises `CodeExecutionError` and `SyntaxError` for what the code does, and
        `CodeInterpreterError` where it cannot be run at all.
        """
        self._check_open()
        _check_names("tool", self.tools)
        given = self._checked(variables or {})
        fields = (
            None if self.output_fields is None else [each["name"] for each in self.output_fields]
        )
        if not self._lock.acquire(blocking=False):
            raise CodeInterpreterError("this interpreter is executing already")
        final = FinalValue()
        try:
            tools = {name: _by_name(tool) for name, tool in self.tools.items()}
            turn = self._session.run(
                code, tools, given, ending=_SUBMIT, fields=fields or [], final=final
            )
        except CapsuleError as error:
            raise CodeInterpreterError(str(error)) from error
        finally:
            self._lock.release()
        if final.given:
            return FinalOutput(final.value)
        return self._output(turn)

    def shutdown(self) -> None:
        """End the session. It cannot be started again."""
        self._over = True
        self._session.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def __call__(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """Run code as `execute` does."""
        return self.execute(code, variables)

    def _check_open(self) -> None:
        if self._over:
            raise CodeInterpreterError("this interpreter was shut down")

    def _checked(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        if taken := sorted(variables.keys() & self.tools.keys()):
            raise CodeInterpreterError(f"variables: those are tools; invalid names: {taken}")
        try:
            _check_names("variable", variables)
            json.dumps(variables, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise CodeInterpreterError(f"variables: {error}") from error
        return variables

    def _output(self, turn: Turn) -> Any:
        error = turn["error"]
        if error is not None:
            if error["message"].startswith(_SYNTAX) and "<module>" not in error.get(
                "traceback", ""
            ):
                raise SyntaxError(error["message"])
            raise CodeExecutionError(observed(turn, self._most).text)
        printed = (turn["execution"]["stdout"] + turn["execution"]["stderr"]).rstrip("\n")
        if not printed and turn["result"] is not None:
            return turn["result"]
        parts = [part for part in (printed, turn.text) if part]
        return cut("\n".join(parts), self._most) if parts else None


def _by_name(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Return a tool that is given its arguments by their names, which is how the framework calls.

    What code gives by position has the names of the tool's signature.
    """

    @functools.wraps(tool)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not args:
            return tool(**kwargs)
        bound = inspect.signature(tool).bind(*args, **kwargs)
        every = inspect.signature(tool).parameters
        if any(every[name].kind is not _NAMED for name in bound.arguments):
            return tool(*args, **kwargs)
        return tool(**bound.arguments)

    return call


def _check_names(kind: str, names: Mapping[Any, Any]) -> None:
    wrong = [
        name
        for name in names
        if not isinstance(name, str)
        or not name.isidentifier()
        or keyword.iskeyword(name)
        or name in _RESERVED
    ]
    if wrong:
        raise ValueError(f"{kind} names are those of Python, and not ours; invalid names: {wrong}")
