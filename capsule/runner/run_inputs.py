"""Gathering what a task runs on: its packages, the interpreter that it needs, what runs share."""

from __future__ import annotations

import sys

from capsule.errors import ToolchainError
from capsule.namedtuples import NamedTuple
from capsule.packages.dependency_types import NOTHING, DependencySpec, Packages
from capsule.policy import CAPSULE
from capsule.runner import interpreter_choice
from capsule.runner.sandbox_inputs import RunInputs
from capsule.snapshot import task_snapshot
from capsule.snapshot.base_snapshot import open_base
from capsule.snapshot.task_code import Code
from capsule.toolstore import toolchain_lock
from capsule.toolstore.flavours import KEEPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capsule.bundle.contents import Bundle
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.policy.declaration_types import TaskDeclaration
    from capsule.progress import Progress
    from capsule.runner.artifact_source import ArtifactSource
    from capsule.runner.source import Source
    from capsule.snapshot.base_snapshot import Base
    from capsule.toolstore.toolchain import Toolchain
    from capsule.toolstore.toolchain_lock import Lease

# Someone may delete packages between their making and their use.
_TRIES = 10


class FetchTime(NamedTuple):
    """How long packages may be fetched, in milliseconds, and from when that counts.

    See `capsule.packages.fetch_clock`.
    """

    allowed_ms: int | None = None
    since: float | None = None


_AS_LONG_AS_IT_TAKES = FetchTime()


def gather(  # noqa: PLR0913, PLR0917 - all that it is made of
    source: Source,
    entry: TaskDeclaration,
    home: Path,
    layers: IsolationLayers,
    progress: Progress,
    fetch_time: FetchTime = _AS_LONG_AS_IT_TAKES,
) -> RunInputs:
    """Return what the task runs on, with all of it in place.

    Raises `UsageError` for packages that cannot be had, `OutOfTimeError` for those that take longer
    than `fetch_time` to fetch, `ToolchainError` for a toolchain that cannot be prepared,
    `ArtifactError` for an artifact that does not fit this toolchain.
    """
    bundle, artifact = source.bundle, source.artifact
    packages, lease, fetched_ms = NOTHING, None, 0
    if artifact is None:
        spec = DependencySpec(bundle.dependencies, bundle.requires_python)
        if spec != DependencySpec():
            from capsule.packages.fetch_clock import FetchClock
            from capsule.packages.provision import provision

            clock = FetchClock(*fetch_time)
            packages, lease = _leased(lambda: provision(home, spec, progress, clock=clock))
            fetched_ms = clock.spent_ms
        natives = _natives(bundle, packages)
        asyncio = entry.is_async or "asyncio" in bundle.imports
    else:
        natives, asyncio = KEEPS[artifact.task_manifest.flavour], artifact.task_manifest.asyncio
    natives |= interpreter_choice.remembered(home, bundle.digest)
    toolchain = interpreter_choice.toolchain_for(home, natives, progress)
    if artifact is not None:
        # Only what fits this toolchain is let onto the disk.
        _check_interpreter(artifact, toolchain)
        packages, lease = _leased(lambda: _kept(artifact, home, progress))
    base = open_base(home, toolchain, layers, progress, asyncio=asyncio)
    compiled = None
    if packages.folder is not None:
        from capsule.runner import package_compilation

        compiled = package_compilation.obtain(home, base, packages, layers, progress)
    code = Code(
        bundle.files,
        bundle.entry,
        bundle.digest,
        packages.folder,
        packages.digest,
        libraries_among(bundle.imports, packages),
        None if compiled is None else compiled.folder,
        bundle.shown,
    )
    frozen = None if artifact is None else _restored(artifact, home, base, progress)
    leases = (lease, None if compiled is None else compiled.lease)
    return RunInputs(
        home,
        base,
        code,
        frozen=frozen,
        leases=leases,
        fetched_ms=fetched_ms,
        natives=natives,
    )


def _natives(bundle: Bundle, packages: Packages) -> frozenset[str]:
    """Return the packages whose native code the task may need, as far as can be seen."""
    imports = bundle.imports | packages.imports
    if not _science_among(imports):
        return frozenset()
    from capsule.packages.native_imports import natives_of

    sources = [content for name, content in bundle.files.items() if name.endswith(".py")]
    return natives_of(imports, sources)


def libraries_among(imports: frozenset[str], packages: Packages) -> frozenset[str]:
    """Return which of these top-level names take long to import: no standard library is among them.

    >>> sorted(libraries_among(frozenset(["json", "pandas", "mine"]), NOTHING))
    ['pandas']
    """
    if packages.folder is None:
        return _science_among(imports)
    return _foreign(imports)


def _science_among(imports: frozenset[str]) -> frozenset[str]:
    if not (foreign := _foreign(imports)):
        return foreign
    from capsule.packages.builtin_distributions import science_imports  # a long table

    return foreign & science_imports()


def _foreign(imports: frozenset[str]) -> frozenset[str]:
    return imports - sys.stdlib_module_names - {CAPSULE}


def _leased(obtain: Callable[[], Packages]) -> tuple[Packages, Lease | None]:
    """Return packages with a lease on them: someone may delete them in between."""
    for _ in range(_TRIES):
        packages = obtain()
        if packages.folder is None:
            return packages, None
        if (lease := toolchain_lock.lease(packages.folder.parent)) is not None:
            return packages, lease
    raise ToolchainError(
        "the task's packages are deleted again and again", hint="wait until nobody prunes the cache"
    )


def _kept(artifact: ArtifactSource, home: Path, progress: Progress) -> Packages:
    if not artifact.packages:
        return NOTHING
    from capsule.packages.artifact_packages import keep, kept

    there = kept(home, artifact.packages)
    return there or keep(home, artifact.contents.parts.packages, progress)


def _check_interpreter(artifact: ArtifactSource, toolchain: Toolchain) -> None:
    if artifact.task_manifest.interpreter != toolchain.portable:
        from capsule.artifact.errors import UPDATE, ArtifactError

        raise ArtifactError(
            f"{artifact.name}: it was made for the interpreter "
            f"{artifact.task_manifest.interpreter}, and this is {toolchain.portable}",
            hint=UPDATE,
        )


def _restored(
    artifact: ArtifactSource, home: Path, base: Base, progress: Progress
) -> task_snapshot.Frozen | None:
    """Return the snapshot of an artifact.

    None when it has none, and when it was taken with another version of what runs in the sandbox:
    then one is taken here, of its sources.
    """
    described = artifact.task_manifest
    if not artifact.memory or described.runtime != base.runtime.key:
        return None

    def content() -> task_snapshot.SnapshotContent:
        return task_snapshot.SnapshotContent(
            artifact.contents.parts.pages, artifact.memory, described.files, described.variables
        )

    return task_snapshot.restore(home, base, content, artifact.digest, progress)
