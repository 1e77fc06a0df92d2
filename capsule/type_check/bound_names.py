"""Which names code binds at its top level, and how: what a later turn of its session can see."""

from __future__ import annotations

import ast

from capsule.namedtuples import NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class BoundNames(NamedTuple):
    """The names that code may bind, with the modules that `import` alone binds each of them to.

    `deleted` are those that `del` takes away at its end, `looked_up` those that its functions look
    up when they are called. `is_read` is False for code that the Python of here cannot read.
    """

    modules: dict[str, tuple[str, ...]]
    deleted: frozenset[str] = frozenset()
    looked_up: frozenset[str] = frozenset()
    is_read: bool = True


def names_in(code: str) -> BoundNames:
    """Return the names of code.

    >>> names_in("import a.b, a.c\\nfor d, e in (): f = 1\\ndef g(): return h").modules
    {'a': ('a.b', 'a.c'), 'd': (), 'e': (), 'f': (), 'g': ()}
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return BoundNames({}, is_read=False)
    modules: dict[str, list[str]] = {}
    others: set[str] = set()
    deleted: set[str] = set()
    for statement in tree.body:
        bound, imported = _bound(statement)
        others |= bound
        deleted -= bound
        for name, module in imported:
            modules.setdefault(name, []).append(module)
            deleted.discard(name)
        if isinstance(statement, ast.Delete):
            deleted |= {each.id for each in statement.targets if isinstance(each, ast.Name)}
    found = {name: () if name in others else tuple(which) for name, which in modules.items()}
    found = dict(sorted((found | dict.fromkeys(others, ())).items()))
    return BoundNames(found, frozenset(deleted), _looked_up(tree))


def _bound(statement: ast.AST) -> tuple[set[str], list[tuple[str, str]]]:
    """Return the names that a statement binds; beside them those of `import`, with the modules."""
    found: set[str] = set()
    imported: list[tuple[str, str]] = []
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
                continue
            case ast.Lambda():
                continue
            case ast.comprehension():
                # Its names are its own.
                pending += [node.iter, *node.ifs]
                continue
            case ast.Import() | ast.ImportFrom():
                for each in node.names:
                    if isinstance(node, ast.Import) and each.asname is None:
                        imported.append((each.name.partition(".")[0], each.name))
                    else:
                        found.add(each.asname or each.name)
            case ast.Name(name, ast.Store()) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
        pending += ast.iter_child_nodes(node)
    return found - {"*"}, imported


def _looked_up(tree: ast.AST) -> frozenset[str]:
    """Return the names in functions, each node seen once: they may be nested by the thousand."""
    found: set[str] = set()
    pending = [(tree, False)]
    while pending:
        node, is_inside = pending.pop()
        if is_inside and isinstance(node, ast.Name):
            found.add(node.id)
        is_inside = is_inside or isinstance(node, (*_FUNCTIONS, ast.Lambda))
        pending += [(child, is_inside) for child in ast.iter_child_nodes(node)]
    return frozenset(found)


def lines_in_scopes(code: str) -> frozenset[int]:
    """Return the lines of code that are in a function or a class, as far as it can be read here.

    >>> sorted(lines_in_scopes("a\\ndef f():\\n    b\\nc"))
    [2, 3]
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[int] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            # What is inside has no other lines, but for what stands above.
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            pending += getattr(node, "decorator_list", ())
        else:
            pending += ast.iter_child_nodes(node)
    return frozenset(found)
