"""From the dependencies of a task file to a folder to import from.

<home>/cache/packages/<digest>/site/         what was fetched, like site-packages
<home>/cache/packages/<digest>/index.json, stamp
<home>/cache/packages/<digest>.lock          while it is put in place, or deleted
<home>/cache/packages/<question>.asked       a lock, while packages are fetched for a question
<home>/cache/packages/.new-<question>-*/     what is fetched for it
<home>/cache/resolutions/<question>.json     which digest answers it
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from capsule.namedtuples import NamedTuple
from capsule.packages import package_store, resolution_cache
from capsule.packages.dependency_types import NOTHING, DependencySpec, Packages
from capsule.packages.fetch_clock import FetchClock
from capsule.packages.resolution_cache import Answer
from capsule.progress import Step
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from packaging.requirements import Requirement

    from capsule.packages.dependency_graph import Reached
    from capsule.progress import Progress
    from capsule.toolstore.pip_runner import Means

# Seconds that a few packages take over an ordinary line.
_USUAL = 6.0


def provision(
    home: Path,
    spec: DependencySpec,
    progress: Progress,
    means: Means | None = None,
    clock: FetchClock | None = None,
) -> Packages:
    """Return what a task can import, having fetched it with the user's own pip if need be.

    The same question is answered from `home` the next time, without an index. Nobody waits for
    others but those who have the same question. `clock` bounds the fetching, and has counted it.

    Raises `UsageError` when the task asks for what cannot be had in the sandbox, `ToolchainError`
    when there is no pip or no index, or when `home` cannot be written, and `OutOfTimeError`.
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
    from capsule.packages.builtin_distributions import included
    from capsule.packages.dependency_graph import walk

    requirement.check_python(spec.requires_python)
    roots = requirement.roots(spec)
    reached = walk(roots, {}, included())
    if not reached.missing:
        answer = _answer(package_store.digest_of({}), reached)
        with suppress(OSError):  # it spares the next start some reading, and no more
            resolution_cache.write(resolutions, name, answer)
        return _packages(store, answer)
    with files.writing(store), clock or FetchClock() as counted:
        files.make_private(store)
        with progress.step(Step("fetching packages", _USUAL, "seconds")) as tracker:
            begin = time.monotonic()

            def look() -> None:
                counted.check()
                tracker.update(time.monotonic() - begin)

            with package_store.making(store, name, progress, look) as folder:
                found = _kept(store, resolutions, name)
                if isinstance(found, Packages):
                    return found
                if isinstance(found, package_store.Damage):
                    progress.note(f"{found.path} is damaged ({found.found}): making it again")
                with folder as made:
                    work = _Work(made, look, means or _means())
                    answer = _fetch(work, store, roots, reached, progress)
                resolution_cache.write(resolutions, name, answer)
    return _packages(store, answer)


class _Work(NamedTuple):
    """What packages are fetched with: a folder, who looks at the time, and a pip."""

    made: Path
    look: Callable[[], None]
    means: Means


def _means() -> Means:
    from capsule.toolstore.pip_runner import Means

    return Means()


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


def _answer(digest: str, reached: Reached) -> Answer:
    from capsule.packages.builtin_distributions import brought_by

    distributions = tuple((wheel.name, wheel.version) for wheel in reached.wheels)
    return Answer(digest, distributions, tuple(sorted(brought_by(reached.included))))


def _fetch(
    work: _Work,
    store: Path,
    roots: tuple[Requirement, ...],
    reached: Reached,
    progress: Progress,
) -> Answer:
    """Fetch and unpack all that is missing, and put it in its place in the store."""
    from capsule.packages.builtin_distributions import included
    from capsule.packages.pip_download import PipDownloader
    from capsule.packages.resolver import solve
    from capsule.packages.unpack import unpack

    fetched, kept = work.made / "work", work.made / "kept"
    for folder in (fetched, kept, kept / package_store.SITE):
        folder.mkdir(mode=files.PRIVATE)
    downloader = PipDownloader(work.means, fetched, work.look)
    reached = solve(roots, included(), downloader, reached)
    unpacked = unpack(reached.wheels, kept / package_store.SITE, work.look)
    digest = package_store.digest_of(unpacked)
    package_store.finish(kept, unpacked)
    package_store.put(kept, store, digest, progress)
    return _answer(digest, reached)
