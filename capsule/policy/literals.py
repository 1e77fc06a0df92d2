"""Values that stand in a source as text: literals, and names of constants that are literals.

The rule is strict on purpose: what a policy says must be readable without running anything.
"""

from __future__ import annotations

import ast

from capsule.policy.invalid_value import InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from capsule.policy.parse import Source
    from capsule.policy.statements import Binding

MAX_DEPTH = 16
MAX_ITEMS = 10_000

_ALLOWED = (
    "literals (strings, numbers, True, False, None, lists, tuples, dicts of them) and names of"
    " constants that the module assigns once, at its top, to a literal"
)
_KINDS: tuple[tuple[tuple[type[ast.expr], ...], str], ...] = (
    ((ast.JoinedStr,), "is an f-string"),
    ((ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.IfExp), "is computed"),
    ((ast.Call,), "is a call"),
    ((ast.Attribute, ast.Subscript), "is looked up when the module runs"),
    ((ast.Set,), "is a set, which has no order"),
    ((ast.Starred,), "is unpacked when the module runs"),
    ((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "is a comprehension"),
)


class Literals:
    """Reads the literals of one source; each constant is read once, however often it is named."""

    def __init__(self, source: Source, names: Mapping[str, Sequence[Binding]]) -> None:
        self._source = source
        self._names = names
        self._constants: dict[str, tuple[object, int]] = {}

    def __repr__(self) -> str:
        return f"Literals({self._source.filename!r}, {len(self._constants)} constants read)"

    def read(self, expression: ast.expr) -> object:
        """Return the value of an expression.

        Raises `InvalidValueError` when it is not a literal.
        """
        value, _ = self._read(expression, MAX_DEPTH)
        return value

    def _read(self, node: ast.expr, depth: int) -> tuple[object, int]:
        """Return a value and how many items it has, all levels and repetitions counted."""
        if depth == 0:
            raise self._refuse(node, f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, ast.Constant):
            return node.value, 1
        if isinstance(node, ast.Name):
            return self._read_name(node, depth)
        if isinstance(node, ast.UnaryOp):
            return self._read_signed(node), 1
        if isinstance(node, (ast.List, ast.Tuple)):
            items, size = self._read_all(node, node.elts, depth)
            return (items if isinstance(node, ast.List) else tuple(items)), size
        if isinstance(node, ast.Dict):
            return self._read_dict(node, depth)
        problem = next((text for kinds, text in _KINDS if isinstance(node, kinds)), None)
        raise self._refuse(node, problem or "is not a literal")

    def _read_all(
        self, node: ast.expr, parts: Sequence[ast.expr], depth: int
    ) -> tuple[list[object], int]:
        items, size = [], 1
        for part in parts:
            item, count = self._read(part, depth - 1)
            items.append(item)
            # Counted as if written out: lists of one list, many times over, grow without end.
            size += count
            if size > MAX_ITEMS:
                raise self._refuse(node, f"has more than {MAX_ITEMS:,} items")
        return items, size

    def _read_dict(self, node: ast.Dict, depth: int) -> tuple[object, int]:
        keys = [key for key in node.keys if key is not None]
        if len(keys) < len(node.keys):
            raise self._refuse(node, "unpacks another dict when the module runs")
        names, size = self._read_all(node, keys, depth)
        values, more = self._read_all(node, node.values, depth)
        if not all(isinstance(name, str) for name in names):
            raise self._refuse(node, "has keys that are not strings")
        if len(set(names)) < len(names):
            raise self._refuse(node, "has the same key twice")
        return dict(zip(names, values, strict=True)), size + more

    def _read_signed(self, node: ast.UnaryOp) -> object:
        inner = node.operand.value if isinstance(node.operand, ast.Constant) else None
        if type(inner) in {int, float} and isinstance(node.op, (ast.USub, ast.UAdd)):
            return -inner if isinstance(node.op, ast.USub) else inner  # type: ignore[operator]
        raise self._refuse(node, "is computed")

    def _read_name(self, node: ast.Name, depth: int) -> tuple[object, int]:
        if node.id in self._constants:
            return self._constants[node.id]
        places = self._names.get(node.id, ())
        if not places:
            raise self._refuse(node, "is a name that the module does not assign")
        if len(places) > 1:
            lines = ", ".join(str(place.line) for place in places[:5])
            raise self._refuse(node, f"is a name that the module binds more than once ({lines})")
        if places[0].value is None:
            raise self._refuse(
                node, f"is no constant assigned at the top of the module (line {places[0].line})"
            )
        # The value keeps its own place in the depth, so that chains of names end, too.
        self._constants[node.id] = self._read(places[0].value, depth - 1)
        return self._constants[node.id]

    def _refuse(self, node: ast.expr, problem: str) -> InvalidValueError:
        return InvalidValueError(
            f"{self._source.snippet(node)} (line {node.lineno})", problem, _ALLOWED
        )
