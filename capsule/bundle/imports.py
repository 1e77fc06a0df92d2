"""Which modules a source imports, wherever in it the import stands."""

from __future__ import annotations

import ast

from capsule.policy.parse import parse
from capsule.policy.statements import is_guard, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def imports_of(content: bytes, filename: str) -> list[str]:
    """Return the names that a source imports, each where it stands last.

    Raises `UsageError` when it cannot be parsed.
    """
    names = list(imported_names(parse(content, filename).tree))
    return list(dict.fromkeys(reversed(names)))[::-1]


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level name of every absolute import, in order, repetitions included.

    Relative imports stay inside their package, which travels whole. What `if TYPE_CHECKING:`
    imports is never imported.

    >>> list(imported_names(ast.parse("import a.b, c\\ndef f(): from d.e import g")))
    ['a', 'c', 'd']
    """
    unused: set[int] = set()
    for node, _ in walk(tree):
        if isinstance(node, ast.If) and is_guard(node, "TYPE_CHECKING"):
            unused.update(id(inner) for block in node.body for inner in ast.walk(block))
        elif id(node) in unused:
            continue
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
