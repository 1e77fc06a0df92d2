"""What a task's parameters are annotated with, read as text: how words of a command line are meant.

Only types that a word can be turned into are told apart: `int`, `float`, `bool`, `str`, `list`,
`dict` and `None`, alone, in a union, as `Optional[...]`, `list[int]` or `Annotated[int, ...]`, in
quotes, and under a name that the module gives them once. Whatever else stands there says nothing.
"""

from __future__ import annotations

import ast
from itertools import islice

from capsule.errors import UsageError
from capsule.policy.declaration_types import Parameter
from capsule.policy.parse import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from capsule.policy.statements import Binding

    Function = ast.FunctionDef | ast.AsyncFunctionDef

_SCALARS = frozenset(("int", "float", "bool", "str"))
# By the name in `typing`, too.
_CONTAINERS = {"list": "list", "List": "list", "dict": "dict", "Dict": "dict"}
_MOST_MEMBERS, _DEEPEST, _LONGEST = 16, 8, 1_000
# How many parameters are looked at: words of a command line go to the first ones.
_MOST = 255


def parameters_of(node: Function, names: Mapping[str, Sequence[Binding]]) -> tuple[Parameter, ...]:
    """Return the parameters that words can go to, in their order; that of `*args` is the last.

    >>> tree = ast.parse("def f(n: int, name, *more: float | None): pass")
    >>> for parameter in parameters_of(tree.body[0], {}): print(*parameter)
    n ('int',) False
    name () False
    more ('float', 'None') True
    """
    given = node.args
    plain = [*given.posonlyargs, *given.args][:_MOST]
    silent = len(plain) - len(given.defaults)
    defaults = [None] * silent + list(given.defaults) if silent >= 0 else [None] * len(plain)
    found = []
    for parameter, default in zip(plain, defaults, strict=False):
        types = _types(parameter.annotation, names)
        # What people write for `int | None = None`.
        if types and isinstance(default, ast.Constant) and default.value is None:
            types = tuple(dict.fromkeys((*types, "None")))
        found.append(Parameter(parameter.arg, types))
    if given.vararg is not None:
        found.append(Parameter(given.vararg.arg, _types(given.vararg.annotation, names), many=True))
    return tuple(found)


def _types(annotation: ast.expr | None, names: Mapping[str, Sequence[Binding]]) -> tuple[str, ...]:
    """Return the types that an annotation names; none where one of its parts is another."""
    if annotation is None:
        return ()
    # No more than is needed to see that it is too much: names of unions of names have no end.
    found = list(islice(_members(annotation, names, _DEEPEST), _MOST_MEMBERS + 1))
    if len(found) > _MOST_MEMBERS or None in found:
        return ()
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _members(
    node: ast.expr, names: Mapping[str, Sequence[Binding]], depth: int
) -> Iterator[str | None]:
    """Yield the types of a union, None for one that is not known."""
    if depth == 0:
        yield None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _members(node.left, names, depth - 1)
        yield from _members(node.right, names, depth - 1)
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node.value, names, depth)
    elif isinstance(node, ast.Subscript):
        yield from _of_subscript(node, names, depth)
    elif isinstance(node, ast.Name):
        yield from _of_name(node.id, names, depth)
    else:
        yield _CONTAINERS.get(node.attr) if isinstance(node, ast.Attribute) else None


def _of_constant(
    value: object, names: Mapping[str, Sequence[Binding]], depth: int
) -> Iterator[str | None]:
    if value is None:
        yield "None"
    elif isinstance(value, str) and len(value) <= _LONGEST:
        try:
            body = parse(value.strip(), "an annotation").tree.body
        except UsageError:
            body = []
        if len(body) == 1 and isinstance(body[0], ast.Expr):
            yield from _members(body[0].value, names, depth - 1)
        else:
            yield None
    else:
        yield None


def _of_subscript(
    node: ast.Subscript, names: Mapping[str, Sequence[Binding]], depth: int
) -> Iterator[str | None]:
    head = node.value.attr if isinstance(node.value, ast.Attribute) else None
    if isinstance(node.value, ast.Name):
        head = node.value.id
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if not parts:
        yield None
    elif head in {"Optional", "Union"}:
        for part in parts[:_MOST_MEMBERS]:
            yield from _members(part, names, depth - 1)
        if head == "Optional":
            yield "None"
    elif head == "Annotated":
        yield from _members(parts[0], names, depth - 1)
    else:
        yield _CONTAINERS.get(head or "")


def _of_name(name: str, names: Mapping[str, Sequence[Binding]], depth: int) -> Iterator[str | None]:
    places = names.get(name, ())
    if len(places) == 1 and places[0].value is not None:
        yield from _members(places[0].value, names, depth - 1)
    elif name in _CONTAINERS and all(place.kind == "other" for place in places):
        # `List` is imported, and a `list` that is bound anew is another.
        yield _CONTAINERS[name] if name[0].isupper() or not places else None
    else:
        yield name if name in _SCALARS and not places else None
