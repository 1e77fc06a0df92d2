"""Functions of the host, as code inside sees them: `capsule.tools.NAME(...)`."""

from __future__ import annotations

import json
import sys
from types import ModuleType

from capsule_guest import calls

_descriptions: dict[str, dict[str, str]] = {}


class ToolError(Exception):
    """Raised when a function of the host fails, or may not be called.

    `type` is the name of what it raised, or "refused", "late" or "failed".
    """

    def __init__(self, type: str, message: str) -> None:  # noqa: A002 - what it is called outside
        super().__init__(f"{type}: {message}")
        self.type, self.message = type, message


ToolError.__module__ = "capsule"


class Tool:
    """One function of the host: a call waits for its answer, `aio` can be awaited."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = _descriptions[name]["doc"]

    def __repr__(self) -> str:
        return f"<tool {self.__name__}{_descriptions.get(self.__name__, {}).get('signature', '')}>"

    def __call__(self, *args: object, **kwargs: object) -> object:
        try:
            return _value(*calls.call("tool", self._asked(args, kwargs)))
        except calls.CallError as error:
            raise ToolError(error.kind, str(error)) from None

    async def aio(self, *args: object, **kwargs: object) -> object:
        """Call it, and let others go on meanwhile."""
        try:
            return _value(*await calls.call_async("tool", self._asked(args, kwargs)))
        except calls.CallError as error:
            raise ToolError(error.kind, str(error)) from None

    def _asked(self, args: tuple, kwargs: dict) -> dict:
        return {"name": self.__name__, "args": list(args), "kwargs": kwargs}


class _Tools(ModuleType):
    """The module `capsule.tools`."""

    def describe(self) -> str:
        """Return what there is, as a stub of Python: name, signature, and what it does."""
        return "\n".join(
            f"def {name}{each['signature']}:\n    {json.dumps(each['doc'])}\n"
            for name, each in _descriptions.items()
        )

    def __getattr__(self, name: str) -> Tool:
        if name not in _descriptions:
            there = ", ".join(_descriptions) or "none"
            raise AttributeError(f"there is no host function {name!r}; there is {there}")
        return Tool(name)

    def __dir__(self) -> list[str]:
        return ["describe", *_descriptions]


tools = _Tools("capsule.tools")
sys.modules["capsule.tools"] = tools


def offer(found: dict[str, dict[str, str]]) -> None:
    """Say which functions there are."""
    _descriptions.clear()
    _descriptions.update(found)


def put_into(names: dict) -> None:
    """Have each be a plain name, but where the program has one of its own."""
    for name in _descriptions:
        if name not in names or type(names[name]) is Tool:
            names[name] = Tool(name)


def _value(fields: dict, data: bytes) -> object:
    if raised := fields.get("raised"):
        raise ToolError(raised["type"], raised["message"])
    return json.loads(data)
