"""Functions in place of ones of the interpreter's own, which a class may have as attributes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class BuiltinFunction:
    """What is called in place of `below`; it does not become a method where a class has it."""

    def __init__(self, function: Callable[..., Any], below: Any, module: str) -> None:
        self._function = function
        self.__wrapped__ = below
        self.__name__: str = below.__name__
        self.__qualname__: str = below.__qualname__
        # Where it is found by its name, as pickle does.
        self.__module__ = module
        self.__doc__ = below.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<built-in function {self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__
