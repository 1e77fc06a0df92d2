"""Functions that a client offers, as its lines describe them: a name, and what a schema says."""

from __future__ import annotations

import keyword

from capsule.cli.worker.line_fields import check_names, of_kind, text_of
from capsule.errors import UsageError
from capsule.message_text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Mapping
    from inspect import Signature
    from typing import Any

# How many one request or session may name.
MOST = 256
_OF_ONE = ("name", "description", "schema")
_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
}


class AwaitedCall:
    """A call that a coroutine stands for: whoever runs that makes the call."""

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs

    def __await__(self) -> Generator[AwaitedCall, Any, Any]:
        return (yield self)

    async def made(self) -> Any:
        """Be awaited: functions of a host that wait for others are coroutine functions."""
        return await self


class OfferedFunction:
    """A function of a client, as `HostFunctions` takes one: a call of it is a coroutine."""

    def __init__(self, name: str, doc: str, signature: Signature) -> None:
        self.__name__, self.__doc__, self.__signature__ = name, doc, signature

    def __repr__(self) -> str:
        return f"<OfferedFunction {self.__name__}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        return AwaitedCall(self.__name__, args, kwargs).made()


def offered(fields: Mapping[str, Any]) -> tuple[OfferedFunction, ...]:
    """Return the functions that a line names. Raises `UsageError` for what is none."""
    said = of_kind(fields, "tools", list, [])
    if len(said) > MOST:
        raise UsageError(f'"tools" has {len(said):,} functions; at most {MOST}')
    found = tuple(_offered(one, f'"tools"[{place}]') for place, one in enumerate(said))
    names = [each.__name__ for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f'"tools": the name {shown(twice)} is there twice', hint="another name")
    if found:
        # For those who have any; what else a name must not be is known there.
        from capsule.runner.host_functions import HostFunctions

        HostFunctions({each.__name__: each for each in found}, lambda *_: None)
    return found


def _offered(said: object, where: str) -> OfferedFunction:
    if isinstance(said, str):
        said = {"name": said}
    if not isinstance(said, dict):
        raise UsageError(
            f"{where} is a name or an object: {shown(said)}", hint='{"name": "search"}'
        )
    check_names(said, _OF_ONE, where)
    name = said.get("name")
    if not isinstance(name, str) or not _is_name(name) or name.startswith("_"):
        raise UsageError(
            f"{where}: {shown(name)} cannot be the name of a function",
            hint="letters, digits and _, which neither a digit nor _ begins",
        )
    schema = of_kind(said, "schema", dict, None)
    signature, lines = _described(schema, where)
    lines.insert(0, text_of(said, "description", ""))
    return OfferedFunction(name, "\n".join(line for line in lines if line), signature)


def _described(schema: Mapping[str, Any] | None, where: str) -> tuple[Signature, list[str]]:
    """Return what a JSON schema says of arguments: as a signature, and a line for each."""
    from inspect import Parameter, Signature

    anything = Signature(
        [Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)]
    )
    if schema is None:
        return anything, []
    properties: dict[str, Any] = of_kind(schema, "properties", dict, {})
    required = of_kind(schema, "required", list, [])
    parameters, lines = [], []
    for name, said in properties.items():
        if not isinstance(said, dict):
            raise UsageError(f"{where}: the schema of {shown(name)} is an object: {shown(said)}")
        kind = said.get("type")
        known: type = Parameter.empty
        if isinstance(kind, str):
            known = _TYPES.get(kind, known)
        parameters.append((name, Parameter.empty if name in required else _LEFT_OUT, known))
        if text := text_of(said, "description", ""):
            lines.append(f"{name}: {text}")
    if not all(_is_name(name) for name, _, _ in parameters):
        return anything, lines
    return Signature(
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=known)
            for name, default, known in parameters
        ]
    ), lines


class _LeftOut:
    """Stands for the value of an argument that is left out: the client knows it."""

    def __repr__(self) -> str:
        return "..."


_LEFT_OUT = _LeftOut()


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)
