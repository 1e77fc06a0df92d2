"""From the dependencies of a task file to a folder to import from.

<home>/cache/packages/lock
<home>/cache/packages/<digest>/site/      what was fetched, like site-packages
<home>/cache/packages/<digest>/index.json, stamp
<home>/cache/resolutions/<question>.json  which digest answers it
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.packages import package_store, resolution_cache
from capsule.packages.dependency_types import NOTHING, DependencySpec, Packages
from capsule.packages.resolution_cache import Answer
from capsule.progress import Step
from capsule.toolstore import files, toolchain_lock

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from capsule.packages.dependency_graph import Reached
    from capsule.progress import Progress
    from capsule.toolstore.pip_runner import Means

_UNFINISHED = ".new-"
# Seconds that a few packages take over an ordinary line.
_USUAL = 6.0


def provision(
    home: Path, spec: DependencySpec, progress: Progress, means: Means | None = None
) -> Packages:
    """Return what a task can import, having fetched it with the user's own pip if need be.

    The same question is answered from `home` the next time, without an index. Raises `UsageError`
    when the task asks for what cannot be had in the sandbox, and `ToolchainError` when there is no
    pip or no index, or when `home` cannot be written.
    """
    if not spec.dependencies and spec.requires_python is None:
        return NOTHING
    store, resolutions = home / "cache" / "packages", home / "cache" / "resolutions"
    name = resolution_cache.key(spec)
    found = _kept(store, resolutions, name)
    if isinstance(found, Packages):
        return found
    # Reading requirements is slow to import, and most starts end above.
    from capsule.packages import requirement

    requirement.check_python(spec.requires_python)
    roots = requirement.roots(spec)
    with files.writing(store):
        files.make_private(store)
        with toolchain_lock.locked(store / "lock", progress):
            found = _kept(store, resolutions, name)
            if isinstance(found, Packages):
                return found
            if isinstance(found, package_store.Damage):
                progress.note(f"{found.path} is damaged ({found.found}): making it again")
            for leftover in store.glob(f"{_UNFINISHED}*"):
                files.delete(leftover)
            answer = _make(store, roots, progress, means)
            resolution_cache.write(resolutions, name, answer)
    return _packages(store, answer)


def _kept(store: Path, resolutions: Path, name: str) -> Packages | package_store.Damage | None:
    """Return the answer that is kept, what is damaged of it, or None."""
    answer = resolution_cache.read(resolutions, name)
    if answer is None:
        return None
    if answer.distributions:
        found = package_store.look(package_store.folder_of(store, answer.digest), answer.digest)
        if not isinstance(found, Path):
            return found
    return _packages(store, answer)


def _packages(store: Path, answer: Answer) -> Packages:
    folder = (
        package_store.folder_of(store, answer.digest) / package_store.SITE
        if answer.distributions
        else None
    )
    return Packages(folder, answer.digest, answer.distributions, frozenset(answer.imports))


def _make(
    store: Path, roots: tuple[Requirement, ...], progress: Progress, means: Means | None
) -> Answer:
    """Find and unpack all that is needed; nothing of what was tried stays behind."""
    from capsule.packages.builtin_distributions import brought_by, included
    from capsule.packages.dependency_graph import walk

    table = included()
    reached = walk(roots, {}, table)
    digest = package_store.digest_of({})
    if reached.missing:
        made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=store))
        try:
            reached, digest = _fetch(made, store, roots, reached, progress, means)
        finally:
            files.delete(made)
    distributions = tuple((wheel.name, wheel.version) for wheel in reached.wheels)
    return Answer(digest, distributions, tuple(sorted(brought_by(reached.included))))


def _fetch(  # noqa: PLR0913, PLR0917 - one step of `_make`
    made: Path,
    store: Path,
    roots: tuple[Requirement, ...],
    reached: Reached,
    progress: Progress,
    means: Means | None,
) -> tuple[Reached, str]:
    """Fetch what is missing to the store, by way of the folder `made`."""
    from capsule.packages.builtin_distributions import included
    from capsule.packages.pip_download import PipDownloader
    from capsule.packages.resolver import solve
    from capsule.packages.unpack import unpack
    from capsule.toolstore.pip_runner import Means

    begin = time.monotonic()
    work, kept = made / "work", made / "kept"
    for folder in (work, kept, kept / package_store.SITE):
        folder.mkdir(mode=files.PRIVATE)
    with progress.step(Step("fetching packages", _USUAL, "seconds")) as tracker:
        downloader = PipDownloader(
            means or Means(), work, lambda: tracker.update(time.monotonic() - begin)
        )
        reached = solve(roots, included(), downloader, reached)
        unpacked = unpack(reached.wheels, kept / package_store.SITE)
    digest = package_store.digest_of(unpacked)
    package_store.finish(kept, unpacked)
    target = package_store.folder_of(store, digest)
    # Another question may have come to the same, and a task may be running from it.
    if not isinstance(package_store.look(target, digest), Path):
        files.delete(target)
        kept.rename(target)
    return reached, digest
