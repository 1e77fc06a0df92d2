"""What a run starts from: the task's own snapshot, or the generic one that imports it each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capsule.snapshot import request, task
from capsule.snapshot.code import mounts_of

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.process.argv import Mount
    from capsule.snapshot.code import Code
    from capsule.snapshot.generic import Base, Snapshot
    from capsule.snapshot.request import Call
    from capsule.snapshot.task import Frozen, Studio


class Material(NamedTuple):
    """A task's code, what runs share, and where snapshots are kept.

    `folders` are those that the task may see. `frozen` is a snapshot that is there already: an
    artifact brings its own.
    """

    home: Path
    base: Base
    code: Code
    folders: tuple[Mount, ...] = ()
    frozen: Frozen | None = None


class Start(NamedTuple):
    """What to start and what to ask; `plain` says why it is not the task's own snapshot."""

    snapshot: Snapshot
    request: bytes
    mounts: tuple[Mount, ...]
    plain: str | None


class Unstarted(NamedTuple):
    """The run ended before its start: the import alone took longer than the task may."""

    cancelled: bool


def start_of(material: Material, call: Call, studio: Studio) -> Start | Unstarted:
    """Return what to start for `call`, taking the task's snapshot first where there is none.

    Raises `ToolchainError` when no snapshot can be kept.
    """
    base, code = material.base, material.code
    mounts = (*base.launch.mounts, *mounts_of(code), *material.folders)
    found = material.frozen or task.open_task(material.home, base, code, studio)
    if isinstance(found, task.Unfrozen):
        if found.timed_out or found.cancelled:
            return Unstarted(found.cancelled)
        plain = found.reason
    elif found.files is not None and material.folders:
        plain = f"looks at files: {found.files}"
    else:
        return Start(found.snapshot, request.call(call, None), mounts, None)
    return Start(base.generic, request.call(call, code), mounts, plain)
