"""Gathering what a task runs on: its packages, the interpreter that it needs, what runs share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from capsule.errors import ToolchainError
from capsule.packages.dependency_types import NOTHING, Packages, Wanted
from capsule.policy import CAPSULE
from capsule.runner.snapshot_choice import Material
from capsule.snapshot import task_snapshot
from capsule.snapshot.base_snapshot import open_base
from capsule.snapshot.task_code import Code
from capsule.toolstore import cpu_features, toolchain_lock
from capsule.toolstore.open_toolchain import open_toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capsule.confine.isolation_layers import Walls
    from capsule.policy.declaration_types import Declared
    from capsule.progress import Progress
    from capsule.runner.artifact_source import Exported
    from capsule.runner.source import Source
    from capsule.snapshot.base_snapshot import Base
    from capsule.toolstore.layout import Flavour
    from capsule.toolstore.toolchain import Toolchain
    from capsule.toolstore.toolchain_lock import Lease

# Someone may delete packages between their making and their use.
_TRIES = 10


def gather(
    source: Source, entry: Declared, home: Path, walls: Walls, progress: Progress
) -> Material:
    """Return what the task runs on, with all of it in place.

    Raises `UsageError` for packages that cannot be had, `ToolchainError` for a toolchain that
    cannot be prepared, `ArtifactError` for an artifact that does not fit this toolchain.
    """
    bundle, exported = source.bundle, source.exported
    packages, lease = NOTHING, None
    if exported is None:
        packages, lease = _leased(lambda: _packages(source, home, progress))
        flavour = flavour_of(bundle.imports | packages.imports)
        asyncio = entry.is_async or "asyncio" in bundle.imports
    else:
        flavour, asyncio = exported.description.flavour, exported.description.asyncio
    toolchain = cpu_features.fit(home, open_toolchain(home, flavour, progress=progress), progress)
    if exported is not None:
        # Only what fits this toolchain is let onto the disk.
        _check_interpreter(exported, toolchain)
        packages, lease = _leased(lambda: _kept(exported, home, progress))
    base = open_base(home, toolchain, walls, progress, asyncio=asyncio)
    code = Code(
        bundle.files,
        bundle.entry,
        bundle.digest,
        packages.folder,
        packages.digest,
        libraries_among(bundle.imports, packages),
    )
    frozen = None if exported is None else _restored(exported, home, base, progress)
    return Material(home, base, code, frozen=frozen, lease=lease)


def flavour_of(imports: frozenset[str]) -> Flavour:
    """Return the interpreter that can import these top-level names.

    >>> flavour_of(frozenset(["json"])), flavour_of(frozenset(["json", "pandas"]))
    ('core', 'science')
    """
    return "science" if _science_among(imports) else "core"


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


def _kept(exported: Exported, home: Path, progress: Progress) -> Packages:
    if not exported.packages:
        return NOTHING
    from capsule.packages.artifact_packages import keep, kept

    there = kept(home, exported.packages)
    return there or keep(home, exported.contents.parts.packages, progress)


def _packages(source: Source, home: Path, progress: Progress) -> Packages:
    wanted = Wanted(source.bundle.dependencies, source.bundle.requires_python)
    if wanted == Wanted():
        return NOTHING
    from capsule.packages.provision import resolve

    return resolve(home, wanted, progress)


def _check_interpreter(exported: Exported, toolchain: Toolchain) -> None:
    if exported.description.interpreter != toolchain.portable:
        from capsule.artifact.errors import UPDATE, ArtifactError

        raise ArtifactError(
            f"{exported.name}: it was made for the interpreter "
            f"{exported.description.interpreter}, and this is {toolchain.portable}",
            hint=UPDATE,
        )


def _restored(
    exported: Exported, home: Path, base: Base, progress: Progress
) -> task_snapshot.Frozen | None:
    """Return the snapshot of an artifact.

    None when it has none, and when it was taken with another version of what runs in the sandbox:
    then one is taken here, of its sources.
    """
    described = exported.description
    if not exported.memory or described.runtime != base.runtime.key:
        return None

    def pictured() -> task_snapshot.Pictured:
        return task_snapshot.Pictured(
            exported.contents.parts.pages, exported.memory, described.files
        )

    return task_snapshot.restore(home, base, pictured, exported.digest, progress)
