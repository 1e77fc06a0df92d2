"""One turn of a session: code that goes on where the turn before it ended."""

from __future__ import annotations

import _ast
import builtins
import json
import linecache
import os
import sys
from types import ModuleType

from capsule_guest import displays, loader, results

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Of `ast`, without the module that names them.
_ONLY_AST, _TOP_LEVEL_AWAIT = 0x400, 0x2000
# What is kept of a repr, in characters.
_MOST = 20_000


def begin() -> None:
    """Make the module in which all turns run: once, in the first."""
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=builtins)
    sys.modules["__main__"] = module
    loader.ran(module)
    sys.argv[:] = [""]
    displays.begin()
    builtins.display = displays.display  # type: ignore[attr-defined]


# Variables that turns before were given.
_granted: set[str] = set()


def take_back(env: dict) -> None:
    """Take away variables that a turn before was given, and this one is not."""
    for name in _granted - env.keys():
        os.environ.pop(name, None)
    _granted.clear()
    _granted.update(env)


def rehearse(awaited: Callable[[Callable[[], object]], object]) -> None:
    """Touch what a turn takes, while nobody waits: memory that is used first is slow."""
    names = {"__builtins__": builtins}
    _run("<rehearsal>", "value = 1\nvalue", names, awaited)


def run(number: int, code: str, awaited: Callable[[Callable[[], object]], object]) -> bytes:
    """Run the code of a turn and return what it comes to, as JSON. Raises what it raises."""
    names = sys.modules["__main__"].__dict__
    return _run(f"turn {number}", code, names, awaited)


def _run(
    filename: str, code: str, names: dict, awaited: Callable[[Callable[[], object]], object]
) -> bytes:
    displays.forget()
    # A traceback of a later turn shows lines of this one.
    linecache.cache[filename] = len(code), None, code.splitlines(keepends=True), filename
    tree = compile(code, filename, "exec", _ONLY_AST | _TOP_LEVEL_AWAIT, dont_inherit=True)
    last = tree.body[-1] if tree.body else None  # type: ignore[attr-defined]
    valued = isinstance(last, _ast.Expr)
    if valued:
        del tree.body[-1]  # type: ignore[attr-defined]
    if tree.body:  # type: ignore[attr-defined]
        awaited(lambda: _executed(tree, filename, "exec", names))
    if not valued:
        return _answer(None, valued=False)
    value = awaited(
        lambda: _executed(_ast.Expression(last.value), filename, "eval", names)  # type: ignore[union-attr]
    )
    names["_"] = value
    return _answer(value, valued=value is not None)


def _executed(tree: object, filename: str, mode: str, names: dict) -> object:
    """Run a part of a turn; what comes back may be something to wait for."""
    code = compile(tree, filename, mode, _TOP_LEVEL_AWAIT, dont_inherit=True)  # type: ignore[call-overload]
    return eval(code, names)  # noqa: S307 - what the sandbox is there for


def _answer(value: object, *, valued: bool) -> bytes:
    if valued:
        displays.show_value(value)
    displays.show_figures()
    text = _short(value) if valued else ""
    try:
        is_json, shown = True, results.encode(value)
        # A text travels without quotes.
        encoded = json.dumps(value) if isinstance(value, str) else shown[1].decode()
    except results.NotJsonError:
        is_json, encoded = False, "null"
    said = {"text": text, "is_json": is_json, "displays": displays.shown()}
    return f'{json.dumps(said)[:-1]}, "value": {encoded}}}'.encode()


def _short(value: object) -> str:
    text = repr(value)
    if len(text) <= _MOST:
        return text
    half, gap = _MOST // 2, f" ... {len(text) - _MOST} characters left out ... "
    return text[:half] + gap + text[-half:]
