"""What a run starts from: the task's own snapshot, or the generic one that imports it each time."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.runner import interpreter_choice
from capsule.snapshot import request, task_snapshot
from capsule.snapshot.task_code import libraries_of, mounts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.process.argv import Mount
    from capsule.runner.sandbox_inputs import RunInputs
    from capsule.snapshot.base_snapshot import Snapshot
    from capsule.snapshot.request import Call
    from capsule.snapshot.task_snapshot import Frozen, SnapshotSettings, Unfrozen


class SnapshotChoice(NamedTuple):
    """What to start and what to ask; `plain` says why it is not the task's own snapshot.

    `inputs` is what it was made of, with all that is known of snapshots now: what an import may
    take is bounded once, and would be without bounds if each task of a run did it again.
    """

    snapshot: Snapshot
    request: bytes
    mounts: tuple[Mount, ...]
    plain: str | None
    inputs: RunInputs


class Unstarted(NamedTuple):
    """The run ended before its start: the import alone took longer than the task may."""

    cancelled: bool


def choose_snapshot(
    inputs: RunInputs, call: Call, settings: SnapshotSettings
) -> SnapshotChoice | Unstarted:
    """Return what to start for `call`, taking the task's snapshot first where there is none.

    A task that has none, and imports large libraries, starts behind their import at least.

    Raises `ToolchainError` when no snapshot can be kept, or no interpreter be had that has what the
    import needs.
    """
    inputs = interpreter_choice.up_to_date(inputs, settings.layers, settings.progress)
    base, code = inputs.base, inputs.code
    mounts = (*base.launch.mounts, *mounts_of(code), *inputs.folders)
    call = call._replace(folders={each.guest: each.writable for each in inputs.folders})
    if call.stdin is not None:
        # An import that reads there found nothing while the snapshot was taken.
        found: Frozen | Unfrozen = task_snapshot.Unfrozen("may read its stdin")
    else:
        found = inputs.frozen or task_snapshot.open_task(inputs.home, base, code, settings)
        inputs = inputs._replace(frozen=found)
    if isinstance(found, task_snapshot.Frozen):
        plain = _unfit(found, inputs, settings)
        if plain is None:
            return SnapshotChoice(found.snapshot, request.call(call, None), mounts, None, inputs)
    elif found.timed_out or found.cancelled:
        return Unstarted(found.cancelled)
    elif wider := _with_package(inputs, found, settings):
        return choose_snapshot(wider, call, settings)
    else:
        plain = found.reason
    snapshot = base.generic
    libraries = libraries_of(code)
    if libraries is not None:
        behind = inputs.behind or task_snapshot.open_task(inputs.home, base, libraries, settings)
        inputs = inputs._replace(behind=behind)
        if isinstance(behind, task_snapshot.Frozen):
            looked_up = behind.looks_up(inputs.variables)
            if _fits(behind.snapshot, settings) and looked_up is None:
                snapshot = behind.snapshot
        elif behind.timed_out or behind.cancelled:
            return Unstarted(behind.cancelled)
        elif wider := _with_package(inputs, behind, settings):
            return choose_snapshot(wider, call, settings)
    asked = request.call(call, code)
    return SnapshotChoice(snapshot, asked, mounts, plain, inputs)


def _with_package(
    inputs: RunInputs, found: Unfrozen, settings: SnapshotSettings
) -> RunInputs | None:
    """Return what to try instead, where an import has ended for want of a package."""
    return interpreter_choice.with_package(inputs, found.needs, settings.layers, settings.progress)


def _unfit(found: Frozen, inputs: RunInputs, settings: SnapshotSettings) -> str | None:
    """Say why a run cannot start from the task's snapshot, if it cannot."""
    if found.files is not None and inputs.folders:
        return f"looks at files: {found.files}"
    if (name := found.looks_up(inputs.variables)) is not None:
        return looks_up(name)
    if not _fits(found.snapshot, settings):
        # The import is done again and fails as it must: what a run may use is the same either way.
        return f"takes {format_ram(found.snapshot.memory)}, more than the task may"
    return None


def looks_up(name: str) -> str:
    """Return why an import is done in each run that looks a granted variable up."""
    return f"looks up the variable {name}, which the task may see"


def _fits(snapshot: Snapshot, settings: SnapshotSettings) -> bool:
    return settings.ram is None or snapshot.memory <= settings.ram
