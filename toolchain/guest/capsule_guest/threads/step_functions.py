"""Functions of the task as generators, which stop wherever they may have to wait.

Each is compiled again from its source for that: see `step_compiler`.
"""

from __future__ import annotations

from contextvars import Context
from types import CellType, FunctionType, MethodType

from capsule_guest.threads.step_compiler import (
    ADAPTER,
    ENTERING,
    KIND,
    TYPE,
    compiled,
    compiled_alone,
    file_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import CodeType
    from typing import Any


class Steps:
    """A call that can stop, and has not begun: `yield from` it."""

    __slots__ = ("work",)

    def __init__(self, work: Generator[Any, None, Any]) -> None:
        self.work = work

    def __iter__(self) -> Generator[Any, None, Any]:
        return self.work


# How functions wait that are not the task's: what returns the steps, by the function.
waiting: dict[Any, Callable[..., Generator[Any, None, Any]]] = {}
# Types of what `with` takes, and what returns the steps until it can be taken at once.
entered: dict[type, Callable[[Any], Generator[Any, None, Any]]] = {}
# What lets others go on before a call of a library begins, where that is due.
before_library: list[Callable[[], Generator[Any, None, Any]]] = []

_compiled: dict[CodeType, CodeType | None] = {}


def stoppable(function: Any) -> Any:
    """Return what to call instead of `function`: itself, or what returns `Steps`."""
    kind = type(function)
    if kind is FunctionType:
        found = _steps_of(function)
        return function if found is None else lambda *a, **k: Steps(found(*a, **k))
    if kind is MethodType:
        below, owner = function.__func__, function.__self__
        found = _steps_of(below) if type(below) is FunctionType else None
        return function if found is None else lambda *a, **k: Steps(found(owner, *a, **k))
    owner = getattr(function, "__self__", None)
    if type(owner) is Context and function.__name__ == "run":
        return lambda inner, *a, **k: Steps(within(owner, steps(inner, *a, **k)))
    try:
        found = waiting.get(function)
    except TypeError:
        return function
    return function if found is None else lambda *a, **k: Steps(found(*a, **k))


def within(context: Context, work: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
    """Take each step of `work` in a context."""
    while True:
        try:
            wait = context.run(work.send, None)
        except StopIteration as end:
            return end.value
        yield wait


def enter_library(function: Any) -> None:
    """Have a function of a package stop where it waits: it is what a thread does."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is not None and code not in _compiled and file_of(code.co_filename) is None:
        _compiled[code] = compiled_alone(code, function.__globals__)


def steps(function: Any, *args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
    """Call it, stopping where it can."""
    answer = stoppable(function)(*args, **kwargs)
    if type(answer) is Steps:
        answer = yield from answer
    return answer


def can_enter(manager: Any) -> Any:
    """Return what `with` is to take: `manager`, or `Steps` that wait until it is free."""
    found = entered.get(type(manager))
    return manager if found is None else Steps(found(manager))


def is_prompt(function: Any) -> bool:
    """Say whether a call of it can begin at once, where others have no turn until it ends."""
    function = getattr(function, "__func__", function)
    if type(function) is not FunctionType:
        prompt = getattr(function, "__module__", None) in ("builtins", "math", "operator")
        return prompt or stoppable(function) is not function
    if function in waiting or "capsule_steps" in function.__dict__:
        return True
    file = file_of(function.__code__.co_filename)
    node = None if file is None else file.find(function.__code__)
    if file is None or node is None:
        return False
    return file.is_prompt(node) or _steps_of(function) is not None


def _steps_of(function: FunctionType) -> Any:
    found = waiting.get(function) or function.__dict__.get("capsule_steps")
    if found is not None:
        return found
    code = function.__code__
    made = _compiled.get(code, code)
    if made is code:
        made = _compiled[code] = compiled(code)
    if made is None:
        return _later(function) if file_of(code.co_filename) is None else None
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells.get(name) or _OURS[name] for name in made.co_freevars)
    stops = FunctionType(made, function.__globals__, function.__name__, None, closure)
    stops.__defaults__ = function.__defaults__
    stops.__kwdefaults__ = function.__kwdefaults__
    return stops


_OURS = {
    name: CellType(value)
    for name, value in (
        (ADAPTER, stoppable), (ENTERING, can_enter), (TYPE, type), (KIND, Steps),
    )
}  # fmt: skip


def _later(function: FunctionType) -> Any:
    def later(*args: Any, **kwargs: Any) -> Generator[Any, None, Any]:
        yield from before_library[0]()
        return function(*args, **kwargs)

    return later
