"""What the interpreter brings: distributions that are never fetched."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.packages import builtin_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Included(NamedTuple):
    """A distribution inside the interpreter.

    `imports` are its top-level names, `requires` the normalized names of what it needs itself,
    `extras` what each of its extras needs further, as requirements without markers. `science` says
    that some of it cannot be imported on the `core` interpreter.
    """

    name: str
    version: str
    science: bool
    imports: tuple[str, ...]
    requires: tuple[str, ...]
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()


def included() -> Mapping[str, Included]:
    """Return the distributions of the interpreter by their normalized names.

    >>> included()["numpy"].imports
    ('numpy',)
    """
    return {row[0]: Included(*row) for row in builtin_table.DISTRIBUTIONS}


def science_imports() -> frozenset[str]:
    """Return the top-level names that only the `science` interpreter can import.

    >>> sorted(science_imports() & {"numpy", "jinja2", "json"})
    ['numpy']
    """
    return builtin_table.SCIENCE


def imports_with(names: frozenset[str]) -> frozenset[str]:
    """Return top-level names with those that the distributions need which they belong to.

    >>> sorted(imports_with(frozenset(["pandas", "mine"])))
    ['dateutil', 'mine', 'numpy', 'pandas', 'six']
    """
    return names | brought_by(each.name for each in included().values() if names & {*each.imports})


def brought_by(names: Iterable[str]) -> frozenset[str]:
    """Return the import names of these included distributions, and of all that they need.

    >>> sorted(brought_by(["six", "jinja2"]))
    ['jinja2', 'markupsafe', 'six']
    """
    table = included()
    seen: set[str] = set()
    pending = [name for name in names if name in table]
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += (needed for needed in table[name].requires if needed in table)
    return frozenset(imported for name in seen for imported in table[name].imports)
