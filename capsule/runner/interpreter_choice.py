"""Which interpreter a task runs on: the smallest that has what its sources show that it imports.

What they do not show is found when it is imported. Where that is while its snapshot is taken, a
larger one is taken at once: nothing of the task is to be seen yet. In a run it ends the attempt, as
a task that has begun is never begun again by itself. Either way it is remembered for these sources.
"""

from __future__ import annotations

from capsule.runner import parse_cache
from capsule.snapshot.base_snapshot import open_base
from capsule.toolstore import cpu_features
from capsule.toolstore.flavours import KEEPS, NATIVES, flavour_with
from capsule.toolstore.open_toolchain import open_toolchain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.progress import Progress
    from capsule.runner.sandbox_inputs import RunInputs
    from capsule.toolstore.toolchain import Toolchain

_NATIVES = "natives"
# What this process found, for tasks that were settled before: by home and digest of the sources.
_found: dict[tuple[Path, str], frozenset[str]] = {}


def toolchain_for(home: Path, natives: frozenset[str], progress: Progress) -> Toolchain:
    """Return a toolchain that has the native code of these packages, on this processor.

    Raises `ToolchainError` when it cannot be prepared.
    """
    toolchain = open_toolchain(home, flavour_with(natives), progress=progress)
    return cpu_features.fit(home, toolchain, progress)


def remembered(home: Path, digest: str) -> frozenset[str]:
    """Return what the sources of this digest were found to import besides what they show."""
    values = parse_cache.recall(home, _key(digest)) or {}
    names = values.get(_NATIVES)
    return NATIVES.intersection(names) if isinstance(names, list) else frozenset()


def remember(inputs: RunInputs, package: str) -> None:
    """Have the next runs of these sources begin with `package`, which a guest says it needs."""
    if package not in NATIVES:
        return
    home, digest = inputs.home, inputs.code.digest
    names = remembered(home, digest) | _learned(home, digest) | {package}
    _found[home, digest] = names
    parse_cache.keep(home, _key(digest), {_NATIVES: sorted(names)})


def is_outgrown(inputs: RunInputs) -> bool:
    """Say whether a run in this process has found that the task needs another interpreter."""
    return not _learned(inputs.home, inputs.code.digest) <= KEEPS[inputs.base.runtime.flavour]


def up_to_date(inputs: RunInputs, layers: IsolationLayers, progress: Progress) -> RunInputs:
    """Return the inputs with the interpreter that was found to be needed since they were gathered.

    Raises `ToolchainError` when it cannot be prepared.
    """
    return _widened(inputs, _learned(inputs.home, inputs.code.digest), layers, progress)


def with_package(
    inputs: RunInputs, package: str | None, layers: IsolationLayers, progress: Progress
) -> RunInputs | None:
    """Return the inputs with an interpreter that has `package`; None where that cannot be the lack.

    Raises `ToolchainError` when it cannot be prepared.
    """
    if package not in NATIVES or package in KEEPS[inputs.base.runtime.flavour]:
        return None
    remember(inputs, package)
    return _widened(inputs, frozenset((package,)), layers, progress)


def _widened(
    inputs: RunInputs, packages: frozenset[str], layers: IsolationLayers, progress: Progress
) -> RunInputs:
    runtime = inputs.base.runtime
    if packages <= KEEPS[runtime.flavour]:
        return inputs
    from capsule.packages.native_imports import natives_of

    natives = inputs.natives | natives_of(packages)
    toolchain = toolchain_for(inputs.home, natives, progress)
    base = open_base(inputs.home, toolchain, layers, progress, asyncio=runtime.asyncio)
    return inputs._replace(base=base, natives=natives, frozen=inputs.frozen_anyway, behind=None)


def _learned(home: Path, digest: str) -> frozenset[str]:
    return _found.get((home, digest), frozenset())


def _key(digest: str) -> str:
    return parse_cache.key(_NATIVES, digest.encode())
