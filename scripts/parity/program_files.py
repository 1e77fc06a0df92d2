"""The programs, as they stand in files: cells behind a head that they share."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parent / "programs"

_CELL = re.compile(r"^# %% (?P<name>.+?)(?: \| within (?P<tolerance>.+))?\n", re.MULTILINE)
_DEFAULT = re.compile(r"^# within (?P<tolerance>.+)\n", re.MULTILINE)
_TOLERANCE = re.compile(r"(?P<ulp>\d+) ulp|(?P<relative>\d+e-\d+)")


class Tolerance(NamedTuple):
    """How far answers may be apart: in units of the last place, or of the largest number."""

    ulp: int = 0
    relative: float = 0.0

    @property
    def text(self) -> str:
        """What the table says.

        >>> Tolerance(ulp=2).text, Tolerance(relative=1e-9).text, Tolerance().text
        ('2 ulp', '1e-09', 'none')
        """
        if self.ulp:
            return f"{self.ulp} ulp"
        return f"{self.relative:.0e}" if self.relative else "none"


EXACT = Tolerance()


class Program(NamedTuple):
    """One program: its key is the name of its file and its own."""

    key: str
    group: str
    source: str
    tolerance: Tolerance


class Group(NamedTuple):
    """The programs of one file, with what they import."""

    name: str
    title: str
    head: str
    programs: tuple[Program, ...]


def groups(folder: Path = FOLDER) -> list[Group]:
    """Read all files of programs, in the order of their names."""
    return [read_group(path.stem, path.read_text()) for path in sorted(folder.glob("*.py"))]


def read_group(name: str, text: str) -> Group:
    """Read a file of programs.

    >>> group = read_group("sums", '"Sums."\\n# %% three\\n1 + 2\\n# %% e | within 1 ulp\\n2.7\\n')
    >>> [program.key for program in group.programs], group.programs[1].tolerance.text
    (['sums/three', 'sums/e'], '1 ulp')
    """
    cells = list(_CELL.finditer(text))
    if not cells:
        raise ValueError(f"{name} has no program: a line such as '# %% name' begins one")
    head = text[: cells[0].start()]
    title = ast.get_docstring(ast.parse(head))
    if title is None:
        raise ValueError(f"{name} has no docstring that says what its programs are about")
    default = _DEFAULT.search(head)
    usual = read_tolerance(default["tolerance"]) if default else EXACT
    found = []
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        source = text[cell.end() : after.start() if after else None].strip()
        own = cell["tolerance"]
        tolerance = read_tolerance(own) if own else usual
        found.append(Program(f"{name}/{cell['name']}", name, source, tolerance))
    _refuse_repeats(name, found)
    return Group(name, title, head, tuple(found))


def _refuse_repeats(name: str, programs: Iterable[Program]) -> None:
    seen: set[str] = set()
    for program in programs:
        for what in (program.key, program.source):
            if what in seen:
                raise ValueError(f"{name} has two programs {what!r}: leave one, or rename it")
            seen.add(what)


def read_tolerance(text: str) -> Tolerance:
    """Read `2 ulp` or `1e-9`.

    >>> read_tolerance("2 ulp"), read_tolerance("1e-9")
    (Tolerance(ulp=2, relative=0.0), Tolerance(ulp=0, relative=1e-09))
    """
    found = _TOLERANCE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"a tolerance is '2 ulp' or '1e-9', not {text!r}")
    return Tolerance(int(found["ulp"] or 0), float(found["relative"] or 0))


def imports(heads: Iterable[str]) -> dict[str, str]:
    """Give the lines of heads that import what is not of the standard library, and from what.

    >>> imports(["import numpy as np\\nimport io\\nfrom scipy import stats"])
    {'import numpy as np': 'numpy', 'from scipy import stats': 'scipy'}
    """
    found: dict[str, str] = {}
    for head in heads:
        for node in ast.parse(head).body:
            if isinstance(node, ast.Import):
                name = node.names[0].name
            elif isinstance(node, ast.ImportFrom):
                name = node.module or ""
            else:
                continue
            package = name.partition(".")[0]
            if package not in sys.stdlib_module_names:
                found[ast.unparse(node)] = package
    return found
