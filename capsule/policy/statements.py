"""The statements of a source and the names its module binds, for the readers of declarations."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from capsule.namedtuples import NamedTuple
from capsule.policy import CAPSULE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Where a statement stands: at the top of the module, in a block that runs as part of it (`if`,
# `try`, ...), or where importing the module does not reach: functions, classes, the main guard.
Scope = Literal["top", "block", "inner"]
Holder = ast.stmt | ast.excepthandler | ast.match_case

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Binding(NamedTuple):
    """One place where a module gives a name a value.

    `kind` tells capsule's own names from all others: `task` is `capsule.task`, `module` is
    `capsule`. An `assignment` is a plain one at the top of the module, with its `value`.
    """

    kind: Literal["task", "module", "assignment", "other"]
    line: int
    value: ast.expr | None = None


def walk(tree: ast.Module) -> Iterator[tuple[Holder, Scope]]:
    """Yield every statement in the order of the source, with handlers and cases, and its scope."""
    # A stack and no recursion: blocks nest as deep as the source likes.
    stack: list[tuple[Holder, Scope]] = [(node, "top") for node in reversed(tree.body)]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        for block, inside in reversed(list(_blocks(node, scope))):
            stack.extend((child, inside) for child in reversed(block))


def bindings(tree: ast.Module) -> dict[str, list[Binding]]:
    """Return every place where the module binds a name, by name, in the order of the source.

    `global` in a function counts as one. A star import binds names nobody can see here, except
    that of `capsule`, which is known to bind `task`.

    >>> found = bindings(ast.parse("from capsule import task as t\\nRAM = '1GB'"))
    >>> [(name, one.kind) for name, (one,) in found.items()]
    [('t', 'task'), ('RAM', 'assignment')]
    """
    found: dict[str, list[Binding]] = {}
    for node, scope in walk(tree):
        for name, binding in _bound(node, scope):
            found.setdefault(name, []).append(binding)
    return found


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Binding]]:
    """Yield the names that an import binds."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            ours = alias.name == CAPSULE or (
                alias.asname is None and alias.name.startswith(f"{CAPSULE}.")
            )
            name = alias.asname or alias.name.partition(".")[0]
            yield name, Binding("module" if ours else "other", node.lineno)
        elif node.level == 0 and node.module == CAPSULE and alias.name in {"task", "*"}:
            yield alias.asname or "task", Binding("task", node.lineno)
        elif alias.name != "*":
            yield alias.asname or alias.name, Binding("other", node.lineno)


def is_guard(node: Holder, name: str) -> bool:
    """Return whether `node` is an `if` on the bare or dotted `name` alone, like `TYPE_CHECKING`."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return (isinstance(test, ast.Name) and test.id == name) or (
        isinstance(test, ast.Attribute) and test.attr == name
    )


def _blocks(node: Holder, scope: Scope) -> Iterator[tuple[Sequence[Holder], Scope]]:
    """Yield the blocks of statements inside a statement, with the scope of each."""
    below: Scope = "block" if scope == "top" else scope
    if isinstance(node, DEFINITIONS):
        yield node.body, "inner"
        return
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        never = field == "body" and _is_main_guard(node)
        yield getattr(node, field, ()), "inner" if never else below


def _is_main_guard(node: Holder) -> bool:
    """Return whether `node` is `if __name__ == "__main__":`; a task's module is never that."""
    if not (isinstance(node, ast.If) and isinstance(node.test, ast.Compare)):
        return False
    test = node.test
    sides = [test.left, *test.comparators]
    return (
        len(sides) == 2
        and isinstance(test.ops[0], ast.Eq)
        and any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
        and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
    )


def _bound(node: Holder, scope: Scope) -> Iterator[tuple[str, Binding]]:
    """Yield the names of the module that a statement binds, without the blocks inside it."""
    if isinstance(node, ast.Global):
        yield from ((name, Binding("other", node.lineno)) for name in node.names)
    elif scope == "inner":
        return
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from imported(node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _assigned(target, node.value, scope)
        yield from _stored(node.value)
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None:  # without a value it binds nothing
            yield from _assigned(node.target, node.value, scope)
            yield from _stored(node.value)
    else:
        if isinstance(node, (*DEFINITIONS, ast.ExceptHandler)) and node.name is not None:
            yield node.name, Binding("other", node.lineno)
        yield from _stored(node)


def _assigned(target: ast.expr, value: ast.expr, scope: Scope) -> Iterator[tuple[str, Binding]]:
    if scope == "top" and isinstance(target, ast.Name):
        yield target.id, Binding("assignment", target.lineno, value)
    else:
        yield from _stored(target)


def _stored(root: ast.AST) -> Iterator[tuple[str, Binding]]:
    """Yield the names bound by expressions and patterns at and below `root`, blocks left out."""
    line = getattr(root, "lineno", 1)
    stack = [root]
    while stack:
        node = stack.pop()
        name = None
        if isinstance(node, ast.Name):
            name = None if isinstance(node.ctx, ast.Load) else node.id
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)):
            name = node.name
        elif isinstance(node, ast.MatchMapping):
            name = node.rest
        if name is not None:
            line = getattr(node, "lineno", line)
            yield name, Binding("other", line)
        if isinstance(node, ast.comprehension):
            stack += [node.iter, *node.ifs]  # its target is a name of its own
        elif not isinstance(node, ast.Lambda):
            stack += [
                child for child in ast.iter_child_nodes(node) if not isinstance(child, Holder)
            ]
