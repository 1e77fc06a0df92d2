"""The turns of a session as a type checker reads them: modules, and the code that comes next.

Each turn before is a module, and what comes next begins with imports from those. So a name is what
the last turn that bound it made of it: in one file, a function would see all that a name ever was,
and an annotation of long ago would hold. The code itself is a cell of a notebook, in which `await`
stands at the top level.
"""

from __future__ import annotations

import json
import re

from capsule.namedtuples import NamedTuple
from capsule.type_check.bound_names import names_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    from capsule.type_check.bound_names import BoundNames

    class PastTurn(Protocol):
        """A turn whose state was kept."""

        @property
        def code(self) -> str: ...

        @property
        def raised(self) -> bool: ...


# A module that there is not: what is imported from it is of a type that fits everything.
UNKNOWN = "__capsule_unknown__"
# Of the code, in the notebook, counted from 1: before it are the imports.
CODE_CELL = 2
_WORD = re.compile(r"\w+")
# What makes names that no reader of the text finds.
_HIDDEN_NAMES = re.compile(
    r"\b(?:exec|eval|globals|locals|vars|setattr|__builtins__|__main__)\b|\bimport *\*"
)
_HIDDEN_MODULES = re.compile(
    r"\b(?:exec|eval|ImportError|ModuleNotFoundError|importlib|__import__|meta_path|modules|path)\b"
)


class TurnModules(NamedTuple):
    """Files of the turns before, by name, the notebook, and whether all their names are known."""

    files: dict[str, str]
    notebook: str
    tells_all: bool


def modules_of(past: Sequence[PastTurn], code: str) -> TurnModules:
    """Return the turns before, and code that comes next.

    >>> class Past:
    ...     code, raised = "x = 1", False
    >>> modules_of([Past()], "x + 1").files
    {'__capsule_turn_1__.py': 'x = 1'}
    >>> [cell["source"] for cell in json.loads(modules_of([Past()], "x + 1").notebook)["cells"]]
    ['from __capsule_turn_1__ import x\\n', 'x + 1']
    """
    known = _Known()
    files = {}
    for number, turn in enumerate(past, 1):
        module = f"__capsule_turn_{number}__"
        names = names_in(turn.code)
        if turn.raised:
            # Nobody knows how far it came.
            known.add(names, UNKNOWN)
            continue
        files[f"{module}.py"] = known.imports(turn.code) + turn.code
        known.add(names, module)
    now = names_in(code)
    known.share(now.shared)
    # What it binds anew and looks up in functions would be of both types there.
    known.forget(now.looked_up.intersection(now.modules))
    cells = (known.imports(code), code)
    whole = {
        "cells": [_cell(number, text) for number, text in enumerate(cells)],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return TurnModules(files, json.dumps(whole), known.tells_all)


class _Known:
    """Where each name comes from, after some turns."""

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}
        # By name, where it has been bound by `import` alone: a checker forgets what is below a
        # module that comes from another file.
        self._modules: dict[str, tuple[str, ...]] = {}
        # Of `global`: what these are is known to nobody, before the function is called and after.
        self._shared: set[str] = set()
        self._unread: list[str] = []

    @property
    def tells_all(self) -> bool:
        return not self._unread

    def add(self, names: BoundNames, source: str) -> None:
        for name, modules in names.modules.items():
            if modules and source != UNKNOWN:
                self._modules[name] = self._modules.get(name, ()) + modules
            else:
                self._modules.pop(name, None)
            self._sources[name] = source
        for name in names.deleted & self._sources.keys():
            self._modules.pop(name, None)
            if source == UNKNOWN:
                # It may have ended before.
                self._sources[name] = UNKNOWN
            else:
                del self._sources[name]
        # A checker knows keys and attributes by their first values, or of one file alone.
        self.forget(names.changed)
        self.share(names.shared)
        if not names.is_read:
            if source == UNKNOWN:
                self._sources.update(dict.fromkeys(names.changed, UNKNOWN))
            else:
                self._unread.append(source)

    def share(self, names: Iterable[str]) -> None:
        """Have names be there from now on, of a type that fits everything, whoever binds them."""
        self._shared.update(names)

    def forget(self, names: Iterable[str]) -> None:
        """Have names be of a type that fits everything, where they are known."""
        for name in self._sources.keys() & names:
            self._sources[name] = UNKNOWN
            self._modules.pop(name, None)

    def imports(self, code: str) -> str:
        """Return the imports of what code speaks of."""
        lines = [f"from {module} import *\n" for module in self._unread]
        for name in sorted(set(_WORD.findall(code))):
            if name in self._shared:
                lines.append(f"from {UNKNOWN} import {name}\n")
                continue
            if name not in self._sources:
                continue
            modules = dict.fromkeys(self._modules.get(name, ()))
            lines += [f"import {module}\n" for module in modules]
            if not modules:
                lines.append(f"from {self._sources[name]} import {name}\n")
        return "".join(lines)


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


def _cell(number: int, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": f"turn-{number}",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
