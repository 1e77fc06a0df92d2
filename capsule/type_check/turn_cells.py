"""The turns of a session as the cells of a notebook, which is how a type checker reads them.

In a notebook `await` stands at the top level, names go on from cell to cell, and what is found in
the last cell has the lines of its own.
"""

from __future__ import annotations

import ast
import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    class PastTurn(Protocol):
        """A turn whose state was kept."""

        @property
        def code(self) -> str: ...

        @property
        def raised(self) -> bool: ...


# A module that there is not: what is imported from it is of a type that fits everything.
UNKNOWN = "__capsule_unknown__"
_GLOBAL = re.compile(r"\bglobal +(\w+(?: *, *\w+)*)")
# What makes names that no reader of the text finds.
_HIDDEN_NAMES = re.compile(
    r"\b(?:exec|eval|globals|locals|vars|setattr|__builtins__|__main__)\b|\bimport *\*"
)
_HIDDEN_MODULES = re.compile(
    r"\b(?:exec|eval|ImportError|ModuleNotFoundError|importlib|__import__|meta_path|modules|path)\b"
)


def cells_before(past: Sequence[PastTurn]) -> int:
    """Return how many cells a notebook has before that of the code."""
    return len(past) + 1


def notebook(past: Sequence[PastTurn], code: str) -> str:
    """Return a notebook whose last cell is the code.

    >>> [cell["source"] for cell in json.loads(notebook([], "await f()"))["cells"]]
    ['', 'await f()']
    """
    cells = [_settled(turn) for turn in past]
    changed = {
        name.strip()
        for each in (*(turn.code for turn in past), code)
        for names in _GLOBAL.findall(each)
        for name in names.split(",")
    }
    cells.append(_of_any_type(changed & {name for turn in past for name in bound_in(turn.code)}))
    whole = {
        "cells": [_cell(number, text) for number, text in enumerate((*cells, code))],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole)


def tells_all_names(codes: Iterable[str]) -> bool:
    """Say whether each name that the codes make at the top level stands in their text.

    >>> tells_all_names(["x = 1"]), tells_all_names(["from math import *"])
    (True, False)
    """
    return not any(_HIDDEN_NAMES.search(code) for code in codes)


def tells_all_modules(codes: Iterable[str]) -> bool:
    """Say whether the codes make no module, look for none elsewhere, and catch no failed import.

    >>> tells_all_modules(["import nowhere"]), tells_all_modules(["sys.modules['nowhere'] = 1"])
    (True, False)
    """
    return not any(_HIDDEN_MODULES.search(code) for code in codes)


def _settled(turn: PastTurn) -> str:
    """Return a turn as it ended: of one that raised nobody knows how far it came."""
    return _of_any_type(bound_in(turn.code)) if turn.raised else turn.code


def _of_any_type(names: Iterable[str]) -> str:
    return "".join(f"from {UNKNOWN} import {name}\n" for name in sorted(names))


def bound_in(code: str) -> set[str]:
    """Return the names that code may bind at its top level.

    >>> sorted(bound_in("import a.b, c as d\\nfor e, f in (): g = 1\\ndef h(): i = 1"))
    ['a', 'd', 'e', 'f', 'g', 'h']
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
                continue
            case ast.Lambda():
                continue
            case ast.Import() | ast.ImportFrom():
                found |= {(each.asname or each.name).partition(".")[0] for each in node.names}
            case ast.Name(name, ast.Store()) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
        pending += ast.iter_child_nodes(node)
    return found - {"*"}


def _cell(number: int, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": f"turn-{number}",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
