"""What programs hand in, held to its kind before anything is done with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps

from capsule.errors import UsageError
from capsule.message_text import nearest, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Concatenate, ParamSpec, TypeVar

    Said = ParamSpec("Said")
    Made = TypeVar("Made")


def options_of(
    init: Callable[Concatenate[Made, Said], None],
) -> Callable[Concatenate[Made, Said], None]:
    """Have an `__init__` that others inherit name the class that was called, and what was meant.

    Python names the class that has it, which may be none that anybody knows.

    >>> class Base:
    ...     @options_of
    ...     def __init__(self, *, timeout=None): ...
    >>> class Session(Base): ...
    >>> Session(timout="5s")
    Traceback (most recent call last):
    TypeError: Session() got an unexpected keyword argument 'timout'
      try: timeout
    """
    code = init.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @wraps(init)
    def checked(self: Made, /, *args: Said.args, **options: Said.kwargs) -> None:
        for name in options:
            if name not in known:
                meant = nearest(name, known)
                hint = "" if meant is None else f"\n  try: {meant}"
                called = type(self).__name__
                raise TypeError(f"{called}() got an unexpected keyword argument {name!r}{hint}")
        init(self, *args, **options)

    return checked


def text_of(name: str, value: object, hint: str | None = None) -> str:
    """Return `value` if it is text; raise `UsageError` that names it otherwise.

    >>> text_of("code", "x = 1")
    'x = 1'
    """
    if not isinstance(value, str):
        raise UsageError(f"{name}={shown(value)}: text is needed", hint=hint)
    return value


def path_of(name: str, value: object) -> str:
    """Return the text of a path. Raises `UsageError` for what is none.

    >>> path_of("file", "task.py")
    'task.py'
    """
    if not isinstance(value, (str, os.PathLike)):
        raise UsageError(f"{name}={shown(value)}: a path is needed", hint="text, or a pathlib.Path")
    path: str = os.fsdecode(value)
    return path


def list_of(name: str, value: object, kind: str) -> list[Any]:
    """Return what `value` lists. Raises `UsageError` for text, a mapping, or what has no end.

    >>> list_of("imports", ("json",), "names")
    ['json']
    """
    hint = f"[{value!r}]" if isinstance(value, (str, bytes, int, float)) else None
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise UsageError(f"{name}={shown(value)}: a list of {kind} is needed", hint=hint)
    return list(value)


def called(name: str, value: object) -> None:
    """Raise `UsageError` for what cannot be called, or would have to be awaited."""
    from inspect import iscoroutinefunction

    if not callable(value):
        raise UsageError(f"{name}={shown(value)} is nothing that could be called")
    if iscoroutinefunction(value):
        raise UsageError(f"{name} is called, and not awaited: an async function does nothing")


def switch(name: str, value: object) -> None:
    """Raise `UsageError` for what is neither true nor false."""
    if not isinstance(value, bool):
        raise UsageError(f"{name}={shown(value)} is no switch", hint="True or False")


def count_of(name: str, value: object, least: int) -> None:
    """Raise `UsageError` for what is no whole number from `least` on."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"{name}={shown(value)}: a whole number from {least} on is needed")


def seconds_of(name: str, value: object) -> None:
    """Raise `UsageError` for what is no number of seconds."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 0:
        raise UsageError(f"{name}={shown(value)}: seconds are needed, a number from 0 on")
