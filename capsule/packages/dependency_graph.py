"""From what the task asks for to all that is needed, as far as it is known."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from capsule.errors import UsageError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.packages.requirement import applies, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from capsule.packages.builtin_distributions import Included
    from capsule.packages.wheel import Wheel

TASK = "the task"


class Need(NamedTuple):
    """A requirement that holds in the sandbox, and whose it is: the task's or a wheel's label."""

    requirement: Requirement
    by: str


class Reached(NamedTuple):
    """What a walk came to: wheels, included distributions, and what there is no wheel for yet."""

    wheels: tuple[Wheel, ...]
    included: frozenset[str]
    missing: Mapping[str, tuple[Need, ...]]

    def asked(self) -> list[Requirement]:
        """Return what to ask an index for."""
        return [
            merged(name, (need.requirement for need in needs))
            for name, needs in sorted(self.missing.items())
        ]


def walk(
    roots: Iterable[Requirement],
    wheels: Mapping[str, Wheel],
    table: Mapping[str, Included],
) -> Reached:
    """Follow all requirements from `roots` through `wheels` and the distributions of `table`.

    A wheel whose version is not what all ask for counts as missing. Raises `UsageError` when an
    included distribution is not what the task asks for, or, once nothing is missing, a wheel.
    """
    needs: dict[str, list[Need]] = {}
    included: set[str] = set()
    unfit: list[Need] = []
    expanded: set[tuple[str, str]] = set()
    pending = [Need(requirement, TASK) for requirement in roots]
    while pending:
        need = pending.pop()
        name = canonicalize_name(need.requirement.name)
        if name in table:
            if not holds(need.requirement, table[name].version):
                unfit.append(need)
            included.add(name)
        else:
            needs.setdefault(name, []).append(need)
        for extra in ("", *map(canonicalize_name, need.requirement.extras)):
            if (name, extra) not in expanded:
                expanded.add((name, extra))
                pending += _required(name, extra, wheels, table)
    missing = {
        name: tuple(asking)
        for name, asking in needs.items()
        if name not in wheels
        or not all(holds(each.requirement, wheels[name].version) for each in asking)
    }
    for need in unfit:
        # A wheel that asks for too much may yet give way to another version of it.
        if need.by == TASK or not missing:
            raise _other_version(need, table[need.requirement.name])
    reached = tuple(wheels[name] for name in sorted(needs.keys() - missing.keys()))
    return Reached(reached, frozenset(included), missing)


def who(needs: Iterable[Need]) -> str:
    """Say in a few words who asks for something, the task first.

    >>> who([Need(Requirement("b>1"), "a 1.0"), Need(Requirement("b"), TASK)])
    'needed by the task and a 1.0'
    """
    names = sorted({need.by for need in needs}, key=lambda by: (by != TASK, by))
    listed = " and ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    return f"needed by {listed}"


def _required(
    name: str, extra: str, wheels: Mapping[str, Wheel], table: Mapping[str, Included]
) -> Iterator[Need]:
    """Yield what a distribution needs with an extra, or without one."""
    if name in table:
        # What it needs without an extra came with it.
        label = f"{name} {table[name].version}"
        for text in dict(table[name].extras).get(extra, ()):
            yield Need(Requirement(text), label)
    elif name in wheels:
        for requirement in wheels[name].requires:
            if applies(requirement, extra):
                yield Need(requirement, wheels[name].label)


def holds(requirement: Requirement, version: str) -> bool:
    """Say whether a version is one that a requirement asks for, pre-releases included."""
    return requirement.specifier.contains(version, prereleases=True)


def _other_version(need: Need, there: Included) -> UsageError:
    asked = printable(f"{there.name}{need.requirement.specifier}")
    if need.by == TASK:
        return UsageError(
            f"the task needs {asked}, and the interpreter brings {there.name} {there.version}",
            hint=f'write "{there.name}" without a version',
        )
    return UsageError(
        f"{need.by} needs {asked}, and the interpreter brings {there.name} {there.version}",
        hint=f"ask for another version of {need.by.partition(' ')[0]}",
    )
