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
        bound = _bound(statement, modules)
        others |= bound
        deleted -= {*bound, *_imported(statement)}
        if isinstance(statement, ast.Delete):
            deleted |= {each.id for each in statement.targets if isinstance(each, ast.Name)}
    found = {name: () if name in others else tuple(which) for name, which in modules.items()}
    found = dict(sorted((found | dict.fromkeys(others, ())).items()))
    looked_up = {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, (*_FUNCTIONS, ast.Lambda))
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    return BoundNames(found, frozenset(deleted), frozenset(looked_up))


def _bound(statement: ast.AST, modules: dict[str, list[str]]) -> set[str]:
    """Return the names that a statement binds; modules of `import` are added to those."""
    found: set[str] = set()
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
                        modules.setdefault(each.name.partition(".")[0], []).append(each.name)
                    else:
                        found.add(each.asname or each.name)
            case ast.Name(name, ast.Store()) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
        pending += ast.iter_child_nodes(node)
    return found - {"*"}


def _imported(statement: ast.AST) -> set[str]:
    found: dict[str, list[str]] = {}
    _bound(statement, found)
    return set(found)


def is_in_a_scope(code: str, line: int) -> bool:
    """Say whether a line of code is in a function or a class, as far as it can be read here.

    >>> is_in_a_scope("a\\ndef f():\\n    b", 1), is_in_a_scope("a\\ndef f():\\n    b", 3)
    (False, True)
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    scopes = (*_FUNCTIONS, ast.Lambda, ast.ClassDef)
    return any(
        node.lineno <= line <= (node.end_lineno or line)
        for node in ast.walk(tree)
        if isinstance(node, scopes)
    )
