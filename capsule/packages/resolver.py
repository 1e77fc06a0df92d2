"""Find all wheels that a task needs, round by round, for the sandbox and not for this machine."""

from __future__ import annotations

from capsule.errors import ToolchainError, UsageError
from capsule.message_text import printable
from capsule.packages import index_diagnosis, python_fallbacks, wheel
from capsule.packages.dependency_graph import TASK, holds, walk, who
from capsule.packages.older_versions import NativeNeedError, way_out
from capsule.packages.pip_download import NothingFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.requirements import Requirement

    from capsule.packages.builtin_distributions import Included
    from capsule.packages.dependency_graph import Need, Reached
    from capsule.packages.pip_download import PipDownloader

# Each round goes one step down the tree of what requires what; trees are seldom ten steps deep.
_ROUNDS = 40


def solve(
    roots: Sequence[Requirement],
    table: Mapping[str, Included],
    downloader: PipDownloader,
    reached: Reached,
) -> Reached:
    """Fetch what is missing in `reached`, and what that needs, until nothing is missing.

    Raises `UsageError` when something cannot be had for the sandbox, and what
    `PipDownloader.fetch` raises.
    """
    wheels: dict[str, wheel.Wheel] = {}

    def anew(changed: Sequence[Requirement]) -> Reached:
        # What a wheel needs that has to give way is not needed any more.
        bad = {
            root.name
            for root in changed
            if root.name in wheels and not holds(root, wheels[root.name].version)
        }
        left = {name: each for name, each in wheels.items() if name not in bad}
        return _solve(changed, table, downloader, walk(changed, left, table), left)

    try:
        return _solve(roots, table, downloader, reached, wheels)
    except NativeNeedError as refused:
        return way_out(refused, roots, downloader, anew)


def _solve(
    roots: Sequence[Requirement],
    table: Mapping[str, Included],
    downloader: PipDownloader,
    reached: Reached,
    wheels: dict[str, wheel.Wheel],
) -> Reached:
    """Do as `solve`, with wheels that are there already. Raises `NativeNeedError` too."""
    barren: set[str] = set()
    for _ in range(_ROUNDS):
        if not reached.missing:
            return reached
        # What there is nothing for may be wanted by a wheel that gives way to another version of
        # itself; so that is an error only once there is nothing else left to ask for.
        asked = [each for each in reached.asked() if str(each) not in barren]
        if not asked:
            raise _reason(reached.asked()[0], reached, downloader, wheels)
        try:
            brought = [wheel.read(path) for path in downloader.fetch(asked)]
        except NothingFoundError as nothing:
            (refused,) = (each for each in asked if each.name == nothing.name)
            if (found := _stripped(refused, downloader)) is not None:
                wheels[found.name] = found
                reached = walk(roots, wheels, table)
                continue
            if all(need.by == TASK for need in reached.missing[nothing.name]):
                raise _reason(refused, reached, downloader, wheels) from None
            barren.add(str(refused))
            continue
        wheels |= {each.name: each for each in brought}
        if silent := {each.name for each in asked} - {each.name for each in brought}:
            names = ", ".join(sorted(silent))
            raise ToolchainError(f"pip brought no wheel for {names}", hint="look at pip's settings")
        reached = walk(roots, wheels, table)
    names = ", ".join(sorted(reached.missing))
    raise UsageError(
        f"no set of versions was found in {_ROUNDS} rounds; in doubt: {names}",
        hint="ask for exact versions",
    )


def _stripped(asked: Requirement, downloader: PipDownloader) -> wheel.Wheel | None:
    """Return a wheel that does without its native files, None for packages that do not."""
    if asked.name not in python_fallbacks.NAMES:
        return None
    path = downloader.fetch_foreign(asked)
    return None if path is None else wheel.read(path, stripped=True)


def _reason(
    asked: Requirement,
    reached: Reached,
    downloader: PipDownloader,
    wheels: Mapping[str, wheel.Wheel],
) -> Exception:
    """Return the error for a name that the index has nothing for."""
    needs = reached.missing[asked.name]
    outcome = downloader.log(asked)
    if len({str(need.requirement.specifier) for need in needs}) > 1 and any(
        file.kind == "found" for file in index_diagnosis.files_in(outcome.stdout, asked.name)
    ):
        return _disagreement(asked.name, needs)
    error = index_diagnosis.reason(asked, who(needs), outcome)
    if isinstance(error, index_diagnosis.NativePackageError):
        return NativeNeedError(error, needs, dict(wheels))
    return error


def _disagreement(name: str, needs: Sequence[Need]) -> UsageError:
    said = sorted(
        {printable(f"{need.by} needs {name}{need.requirement.specifier}") for need in needs}
    )
    movable = sorted({need.by.partition(" ")[0] for need in needs if need.by != TASK})
    return UsageError(
        f"no version of {name} is right for all: {'; '.join(said)}",
        hint=f"ask for another version of {movable[0] if movable else name}",
    )
