"""Stubs of what code inside a session has besides Python: the functions of the host, `display`.

A call of a host function is JSON both ways: what an annotation says is taken for what JSON makes of
it, and what is neither is `Any`.
"""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The class of a function's stub, which messages name.
PREFIX = "_HostFunction_"
# Annotations that mean the same on both sides.
_PLAIN = frozenset(("str", "int", "float", "bool", "None", "object", "Any"))
# By what JSON makes of them: as an argument, and as an answer.
_ARGUMENTS = {
    "list": "list",
    "dict": "dict",
    "List": "list",
    "Dict": "dict",
    "Sequence": "Sequence",
    "Iterable": "Sequence",
    "Collection": "Sequence",
    "Mapping": "Mapping",
    "Optional": "Optional",
    "Union": "Union",
}
_ANSWERS = _ARGUMENTS | dict.fromkeys(("Sequence", "Iterable", "Collection"), "list")
_ANSWERS |= {"Mapping": "dict"}
_NEVER_BARE = frozenset(("Optional", "Union"))
_ANYTHING = "(self, *args: Any, **kwargs: Any) -> Any"
_HEAD = """\
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Union
"""
_CAPSULE = """\
from typing import Any, Callable

from . import tools as tools

class ToolError(Exception):
    type: str
    message: str

def display(*values: object) -> None: ...
def __getattr__(name: str) -> Any: ...
"""


def files(described: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the stub files of a session with these functions of the host, by their paths.

    >>> print(files({"double": {"signature": "(n: int) -> int", "doc": ""}})["capsule/tools.pyi"])
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, Optional, Union
    <BLANKLINE>
    class _HostFunction_double:
        __name__: str
        def __call__(self, n: int) -> int: ...
        async def aio(self, n: int) -> int: ...
    double: _HostFunction_double
    def describe() -> str: ...
    <BLANKLINE>
    """
    functions = "".join(_stub(name, each["signature"]) for name, each in described.items())
    ours = "_: Any\ndef display(*values: object) -> None: ...\n"
    return {
        "__builtins__.pyi": f"{_HEAD}\n{functions}{ours}",
        "capsule/__init__.pyi": _CAPSULE,
        "capsule/tools.pyi": f"{_HEAD}\n{functions}def describe() -> str: ...\n",
    }


def _stub(name: str, signature: str) -> str:
    if not name.isidentifier():
        return ""
    said = _signature(signature)
    return (
        f"class {PREFIX}{name}:\n    __name__: str\n"
        f"    def __call__{said}: ...\n    async def aio{said}: ...\n"
        f"{name}: {PREFIX}{name}\n"
    )


def _signature(said: str) -> str:
    """Return a signature as a method of a stub has it; one that cannot be read takes anything."""
    try:
        found, *more = ast.parse(f"def f{said}: ...").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _ANYTHING
    if more or not isinstance(found, ast.FunctionDef):
        return _ANYTHING
    every = found.args
    for each in (*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg):
        if each is not None:
            each.annotation = _read(each.annotation, _ARGUMENTS)
    # Only whether there is one counts, and what it says may be no code.
    every.defaults = [ast.Constant(...) for _ in every.defaults]
    every.kw_defaults = [each and ast.Constant(...) for each in every.kw_defaults]
    first = every.posonlyargs or every.args
    first.insert(0, ast.arg("self"))
    return f"({ast.unparse(every)}) -> {ast.unparse(_read(found.returns, _ANSWERS))}"


def _read(annotation: ast.expr | None, generics: Mapping[str, str]) -> ast.expr:
    found: ast.expr = ast.Name("Any")
    match annotation:
        case ast.Constant(None):
            found = annotation
        case ast.BinOp(left, ast.BitOr(), right):
            found = ast.BinOp(_read(left, generics), ast.BitOr(), _read(right, generics))
        case ast.Subscript(ast.Name("Literal") | ast.Attribute(attr="Literal"), options):
            if all(isinstance(each, ast.Constant) for each in _parts(options)):
                found = ast.Subscript(ast.Name("Literal"), options)
        case ast.Subscript(ast.Name(name) | ast.Attribute(attr=name), inside) if name in generics:
            parts = [_read(each, generics) for each in _parts(inside)]
            within = parts[0] if len(parts) == 1 else ast.Tuple(parts)
            found = ast.Subscript(ast.Name(generics[name]), within)
        case ast.Name(name) | ast.Attribute(attr=name) if name in _PLAIN:
            found = ast.Name(name)
        case ast.Name(name) | ast.Attribute(attr=name) if name in generics.keys() - _NEVER_BARE:
            found = ast.Name(generics[name])
    return found


def _parts(inside: ast.expr) -> Iterable[ast.expr]:
    return inside.elts if isinstance(inside, ast.Tuple) else [inside]
