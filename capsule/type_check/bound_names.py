"""Which names code binds at its top level, and how: what a later turn of its session can see."""

from __future__ import annotations

import ast
import keyword
import re

from capsule.namedtuples import NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WORD = re.compile(r"\w+")


class BoundNames(NamedTuple):
    """The names that code may bind, with the modules that `import` alone binds each of them to.

    `deleted` are those that `del` takes away at its end, `looked_up` those that its functions look
    up when they are called, `shared` those of `global`. `changed` are names of what gets another
    key or attribute. `is_read` is False for code that the Python of here cannot read: its words may
    all be names that are `changed`.
    """

    modules: dict[str, tuple[str, ...]]
    deleted: frozenset[str] = frozenset()
    looked_up: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    is_read: bool = True


def names_in(code: str) -> BoundNames:
    """Return the names of code.

    >>> names_in("import a.b, a.c\\nfor d, e in (): f = 1\\ndef g(): return h").modules
    {'a': ('a.b', 'a.c'), 'd': (), 'e': (), 'f': (), 'g': ()}
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        words = (word for word in _WORD.findall(code) if word.isidentifier())
        names = frozenset(word for word in words if not keyword.iskeyword(word))
        return BoundNames({}, changed=names, is_read=False)
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
    return BoundNames(found, frozenset(deleted), *_reached(tree))


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


def _reached(tree: ast.AST) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names in functions, those of `global`, and of what gets a key or an attribute.

    Each node is seen once: functions may be nested by the thousand.
    """
    looked_up: set[str] = set()
    shared: set[str] = set()
    changed: set[str] = set()
    pending = [(tree, False)]
    while pending:
        node, is_inside = pending.pop()
        match node:
            case ast.Name(name) if is_inside:
                looked_up.add(name)
            case ast.Global(names):
                shared.update(names)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                changed.add(_owner(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                is_inside = True
        pending += [(child, is_inside) for child in ast.iter_child_nodes(node)]
    return frozenset(looked_up), frozenset(shared), frozenset(changed - {""})


def _owner(target: ast.expr) -> str:
    """Return the name that `a` is in `a.b[c].d().e`; empty where there is none."""
    while True:
        match target:
            case ast.Name(name):
                return name
            case ast.Attribute() | ast.Subscript():
                target = target.value
            case ast.Call():
                target = target.func
            case _:
                return ""


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
