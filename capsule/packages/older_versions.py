"""Which older versions would do, where the newest of a package needs native code.

Many packages were pure Python once. Versions are looked at until the newest one is found whose
wheel does without what was refused; then all that it needs is looked for as for any question. So
what is proposed was had from this index a moment ago. A package that the task does not name gives
way without a word, as it does to any requirement; one that it names is the task's to change.
"""

from __future__ import annotations

import time

from packaging.requirements import Requirement

from capsule.errors import CapsuleError, UsageError
from capsule.message_text import printable
from capsule.packages import index_diagnosis, wheel
from capsule.packages.dependency_graph import TASK
from capsule.packages.pip_download import NothingFoundError
from capsule.packages.requirement import applies, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from packaging.version import Version

    from capsule.packages.dependency_graph import Need, Reached
    from capsule.packages.index_diagnosis import NativePackageError
    from capsule.packages.pip_download import PipDownloader

    # What finds all that some requirements need. Raises `NativeNeedError`, and others.
    Solve = Callable[[Sequence[Requirement]], Reached]

# Seconds that a hint may take: a look at one version takes one or two.
_SECONDS = 60.0
# How many packages may have to give way together.
_MOST = 4


class NativeNeedError(Exception):
    """Raised when something that is needed is native: what said so, who needs it, and the rest.

    `wheels` are those that are known, by name, of which some need it.
    """

    def __init__(
        self,
        refusal: NativePackageError,
        needs: Sequence[Need],
        wheels: Mapping[str, wheel.Wheel],
    ) -> None:
        super().__init__(refusal.message)
        self.refusal, self.needs, self.wheels = refusal, needs, wheels


def way_out(
    refused: NativeNeedError,
    roots: Sequence[Requirement],
    downloader: PipDownloader,
    solve: Solve,
) -> Reached:
    """Return what is needed with older versions of packages that the task does not name.

    Raises the refusal where there is none, with the versions that would do in its hint where the
    task can ask for those. Whatever hinders the search, time included, only means that there are
    none.
    """
    try:
        bounds, reached = _found(refused, roots, downloader, solve)
    except (CapsuleError, NothingFoundError, _NoneError):
        raise refused.refusal from None
    if not {bound.name for bound in bounds} & {root.name for root in roots}:
        return reached
    versions = {each.name: each.version for each in reached.wheels}
    asked = " and ".join(f'"{bound}"' for bound in bounds)
    newest = " and ".join(f"{bound.name} {versions[bound.name]}" for bound in bounds)
    refused.refusal.hint = printable(
        f"ask for {asked} in dependencies: {newest} and all that is needed then is pure Python"
    )
    raise refused.refusal


class _NoneError(Exception):
    """Raised when no older version would do, or none was found in time."""


def _found(
    refused: NativeNeedError,
    roots: Sequence[Requirement],
    downloader: PipDownloader,
    solve: Solve,
) -> tuple[list[Requirement], Reached]:
    end = time.monotonic() + _SECONDS
    bounds: list[Requirement] = []
    name, holder = refused.refusal.name, _holder(refused)
    for _ in range(_MOST):
        bound = _bound(name, holder, [*roots, *bounds], downloader, end)
        try:
            return [*bounds, bound], solve([*roots, *bounds, bound])
        except NativeNeedError as another:
            bounds.append(bound)
            refused = another
            name, holder = refused.refusal.name, _holder(refused)
        except UsageError:
            # Whoever needs the one that would give way needs it as it is: that one has to, then.
            name, holder = holder, _needing(holder, refused.wheels)
        if time.monotonic() > end:
            raise _NoneError
    raise _NoneError


def _holder(refused: NativeNeedError) -> str:
    """Return which package has to do without what was refused."""
    if any(need.by == TASK for need in refused.needs):
        raise _NoneError  # of what the task itself asks for, an index gives the newest that is pure
    return min(need.by.partition(" ")[0] for need in refused.needs)


def _needing(name: str, wheels: Mapping[str, wheel.Wheel]) -> str:
    for each in wheels.values():
        if any(need.name == name and applies(need, "") for need in each.requires):
            return each.name
    raise _NoneError


def _bound(
    name: str, holder: str, roots: Sequence[Requirement], downloader: PipDownloader, end: float
) -> Requirement:
    """Return a requirement for `holder`: below the first version that needs `name`."""
    allowed = merged(holder, (root for root in roots if root.name == holder)).specifier
    files = index_diagnosis.files_in(downloader.log(Requirement(holder)).stdout, holder)
    pure = {file.version for file in files if file.kind == "found"}
    stable = sorted({file.version for file in files if not file.version.is_prerelease})
    candidates = [version for version in stable if version in pure]
    best = _last_without(name, holder, candidates, downloader, end)
    if not allowed.contains(best):
        raise _NoneError
    first_bad = next((version for version in stable if version > best), None)
    if first_bad is None:
        raise _NoneError
    return Requirement(f"{holder}<{_short(first_bad)}")


def _last_without(
    name: str, holder: str, versions: Sequence[Version], downloader: PipDownloader, end: float
) -> Version:
    """Return the newest of `versions` that does not need `name`: what they need, they keep."""
    low, high = -1, len(versions) - 1  # the newest needs it
    while high - low > 1:
        if time.monotonic() > end:
            raise _NoneError
        middle = (low + high) // 2
        (path,) = downloader.fetch([Requirement(f"{holder}=={versions[middle]}")])
        needs = {each.name for each in wheel.read(path).requires if applies(each, "")}
        low, high = (low, middle) if name in needs else (middle, high)
    if low < 0:
        raise _NoneError
    return versions[low]


def _short(version: Version) -> str:
    """Return a version without zeros at its end: nothing stable lies between the two.

    >>> from packaging.version import Version
    >>> _short(Version("2.0.0")), _short(Version("4.18.0")), _short(Version("0.0"))
    ('2', '4.18', '0')
    """
    parts = str(version).split(".")
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)
