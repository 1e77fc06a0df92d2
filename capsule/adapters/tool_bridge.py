"""Tools of a framework inside a session: whatever their names are, and their values cross over.

Each call of a tool is one of a function of the host, by its name, so that `approve` and
`execution.host_calls` know it. Inside, a module of ours binds the names before each turn.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import keyword
from typing import TYPE_CHECKING, Any

from capsule.errors import UsageError
from capsule.sessions.session import SessionSync
from capsule.sessions.wider_interpreter import large_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from capsule.sessions.turn import Turn

# Functions of the host that are ours.
_VARIABLES, _ENDING = "capsule_variables", "capsule_ending"
_OURS = (_VARIABLES, _ENDING)
# Variables of more bytes lie in a file of the session, as an answer of a function has a bound.
_LARGE, _VARIABLES_FILE = 4 << 20, ".capsule_variables"
MODULE, _FILE = "capsule_tool_bridge", "tools of the host"

# Runs inside. `to_json` and `from_json` are of the framework's codec, where it has one.
_INSIDE = '''
import json

import capsule


class FinalAnswer(BaseException):
    """Ends a turn that has given its final answer."""


def same(value):
    return value


to_json = from_json = same


def begin(names, tools, ending, fields, file):
    for name, alias in tools.items():
        names[name] = tool(name, alias, name == ending)
    if fields is not None:
        names[ending] = submit(ending, fields)
    variables = capsule.tools.capsule_variables()
    if variables is None:
        with open(file) as opened:
            variables = json.load(opened)
    for name, value in variables.items():
        names[name] = from_json(value)


def tool(name, alias, ends):
    def call(*args, **kwargs):
        function = getattr(capsule.tools, alias)
        args = [to_json(value) for value in args]
        value = function(*args, **{key: to_json(value) for key, value in kwargs.items()})
        if ends:
            raise FinalAnswer
        return from_json(value)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = getattr(capsule.tools, alias).__doc__
    return call


def submit(name, fields):
    def call(*args, **kwargs):
        if not fields:
            if len(args) != 1 or kwargs:
                raise TypeError(f"{name} takes one value")
            values = {"output": args[0]}
        elif args and kwargs:
            raise TypeError(f"{name} takes values by position or by name, not both")
        else:
            values = dict(zip(fields, args)) if args else kwargs
            if values.keys() != set(fields) or len(args) > len(fields):
                raise TypeError(f"{name} takes {', '.join(fields)}")
        capsule.tools.capsule_ending({key: to_json(value) for key, value in values.items()})
        raise FinalAnswer

    call.__name__ = call.__qualname__ = name
    return call

'''


class FinalValue:
    """What a turn has given as its final answer, if it has."""

    def __init__(self) -> None:
        self.given = False
        self.value: Any = None

    def give(self, value: Any) -> Any:
        """Take the answer."""
        self.given, self.value = True, value
        return None


class BridgedSession:
    """A session whose turns can call tools that change from turn to turn; `close` it.

    It is opened by the first turn, with what that imports of the scientific stack in memory.
    `codec` is source that defines `to_json` and `from_json` inside, for values that are not JSON.
    """

    def __init__(self, options: Mapping[str, Any], codec: str = "") -> None:
        if "tools" in options:
            raise UsageError("tools: the framework has the tools of its agent", hint="give it them")
        self._options, self._codec = dict(options), codec
        self._session: SessionSync | None = None
        # What the file with variables holds.
        self._written: bytes | None = None
        self._checked = SessionSync(**self._options)

    def __repr__(self) -> str:
        return f"<BridgedSession of {self._session or self._checked!r}>"

    def open(self, code: str = "") -> SessionSync:
        """Return the session, which is opened for such code if it was not yet."""
        if self._session is None:
            imports = [*self._options.get("imports", ())]
            imports += [name for name in large_imports(code) if name not in imports]
            session = SessionSync(**(self._options | {"imports": imports})).__enter__()
            try:
                _succeeded(session.run(_installation(self._codec)))
            except BaseException:
                session.close()
                raise
            self._session = session
        return self._session

    def run(  # noqa: PLR0913 - what a turn has
        self,
        code: str,
        tools: Mapping[str, Callable[..., Any]],
        variables: Mapping[str, Any],
        *,
        ending: str,
        fields: Sequence[str] | None = None,
        final: FinalValue,
    ) -> Turn:
        """Run code that can call the tools, and sees the variables, which are JSON.

        `ending` is the tool whose call ends the turn; with `fields` it is no tool, and takes their
        values. What it was given is in `final`. Raises `CapsuleError`.
        """
        session = self.open(code)
        functions, aliases = _aliased(tools)
        try:
            data = json.dumps(variables, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(f"variables: {error}") from None
        large = len(data) > _LARGE
        functions[_VARIABLES] = lambda: None if large else dict(variables)
        functions[_ENDING] = final.give
        if large and data != self._written:
            session.write(_VARIABLES_FILE, data)
            self._written = data
        given = None if fields is None else [*fields]
        asked = f"{aliases!r}, {ending!r}, {given!r}, {_VARIABLES_FILE!r}"
        binding = f"__import__({MODULE!r}).begin(globals(), {asked})"
        _succeeded(session.run(binding, tools=functions))
        return session.run(code, tools=functions)

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()


def _succeeded(turn: Turn) -> None:
    error = turn["error"]
    if error is not None:
        raise UsageError(f"the names of the tools cannot be bound: {error['message']}")


def _installation(codec: str) -> str:
    """Return the code that makes the module inside."""
    return (
        "import sys, types\n"
        f"made = sys.modules[{MODULE!r}] = types.ModuleType({MODULE!r})\n"
        f"exec(compile({_INSIDE!r}, {_FILE!r}, 'exec'), made.__dict__)\n"
        f"exec(compile({codec!r}, {_FILE!r}, 'exec'), made.__dict__)\n"
        "del sys, types, made\n"
    )


def _aliased(
    tools: Mapping[Any, Callable[..., Any]],
) -> tuple[dict[str, Callable[..., Any]], dict[str, str]]:
    """Return the tools under names that functions of the host may have, and those by the tools'."""
    context = contextvars.copy_context()
    functions: dict[str, Callable[..., Any]] = {}
    aliases: dict[str, str] = {}
    for name, tool in tools.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"tools: {name!r} is no name that code could call")
        alias = name.strip("_")
        while not alias or alias in functions or alias in _OURS or alias == "describe":
            alias = f"tool_{alias}"
        aliases[name] = alias
        functions[alias] = _in_context(tool, context)
    return functions, aliases


def _in_context(tool: Callable[..., Any], context: contextvars.Context) -> Callable[..., Any]:
    """Return a tool that is called in a thread as where the turn was asked for."""

    def call(*args: Any, **kwargs: Any) -> Any:
        # One context is entered once at a time.
        return context.copy().run(_called, tool, args, kwargs)

    call.__doc__ = inspect.getdoc(tool)
    return call


def _called(tool: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    value = tool(*args, **kwargs)
    if not inspect.isawaitable(value):
        return value

    async def awaited() -> Any:
        return await value

    return asyncio.run(awaited())
