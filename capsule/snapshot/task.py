"""The snapshot of a task: an interpreter that has imported the task's modules.

It is taken on the first run, and kept under a key that stands for all that decides it. Taking it
runs the task's import, in a sandbox like every other, under limits of its own. Not every import can
be frozen; one that cannot is done again in each run, and why is kept in the snapshot's place.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from capsule.errors import WireError
from capsule.shared import frames
from capsule.snapshot import driver, eviction, request, shelf
from capsule.snapshot.camera import MAX_MEMORY, Bounds, Spoilt, picture
from capsule.snapshot.code import mounts_of
from capsule.snapshot.generic import DRIVER, SERVE, Snapshot, opened
from capsule.toolstore.compile import compile_module
from capsule.wasm import PAGE
from capsule.wire import answers

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.confine.walls import Walls
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.snapshot.camera import Picture
    from capsule.snapshot.code import Code
    from capsule.snapshot.generic import Base

# What an import may spend: pandas, scipy and matplotlib together take some 1.5e10.
IMPORT_FUEL = 50_000_000_000
IMPORT_SECONDS = 30.0

SHELF = "tasks"
_QUOTED = 300  # characters of what a guest says that a reason repeats
_REASON = "reason"


class Frozen(NamedTuple):
    """A task's snapshot; `files` says where its import looked at files, if it did."""

    snapshot: Snapshot
    files: str | None


class Unfrozen(NamedTuple):
    """Why a task has no snapshot, in words that follow "its import".

    `timed_out` means that the import took longer than the task's own limit.
    """

    reason: str
    timed_out: bool = False
    cancelled: bool = False


class Film(NamedTuple):
    """A picture of a task that can be frozen."""

    picture: Picture
    files: str | None


def open_task(home: Path, base: Base, code: Code, studio: Studio) -> Frozen | Unfrozen:
    """Return the task's snapshot, taking it first where there is none that is whole.

    Raises `ToolchainError` when it can be taken and not be kept.
    """
    try:
        entry = shelf.obtain(
            shelf_of(home),
            task_key(base, code),
            lambda folder: _make(folder, base, code, studio),
            studio.progress,
        )
    except _EndedError as ended:
        return ended.how
    reason = entry.folder / _REASON
    if not entry.facts["frozen"]:
        return Unfrozen(reason.read_text())
    snapshot = Snapshot(entry.folder / DRIVER, entry.facts["overhead"], entry.facts["memory"])
    return Frozen(snapshot, reason.read_text() if entry.facts["files"] else None)


class Studio(NamedTuple):
    """What a task's snapshot is taken with; `timeout_ms` is the task's own limit, if it has one."""

    walls: Walls
    timeout_ms: int | None
    cancellation: Cancellation
    progress: Progress


def shelf_of(home: Path) -> Path:
    """Return the folder with the snapshots of tasks."""
    return home / "cache" / SHELF


def task_key(base: Base, code: Code) -> str:
    """Return what stands for a task's snapshot."""
    return shelf.key(base.key.encode(), code.digest.encode(), code.packages_digest.encode())


def take(base: Base, code: Code, studio: Studio) -> Film | Unfrozen:
    """Import the task's modules in a sandbox and take a picture of its memory.

    Raises `ToolchainError` when the sandbox cannot be started.
    """
    asked = request.freeze(code)
    launch = base.launch._replace(
        driver=base.camera,
        fuel=IMPORT_FUEL + base.generic.overhead,
        memory=MAX_MEMORY,
        mounts=(*base.launch.mounts, *mounts_of(code)),
    )
    seconds = IMPORT_SECONDS
    its_own = studio.timeout_ms is not None and studio.timeout_ms < 1000 * seconds
    if studio.timeout_ms is not None and its_own:
        seconds = studio.timeout_ms / 1000
    bounds = Bounds(time.monotonic() + seconds, studio.cancellation)
    with opened(base.initial) as initial:
        taken = picture(launch, studio.walls, asked, initial, bounds)
    if isinstance(taken, Spoilt):
        timed_out = taken.timed_out and its_own
        return Unfrozen(f"cannot be frozen: {taken.reason}", timed_out, taken.cancelled)
    try:
        return _judged(taken)
    except WireError as error:
        return Unfrozen(f"answered nonsense: {error.message}")


def develop(picture: Picture, base: Base, folder: Path) -> shelf.Facts:
    """Compile the driver of a task's snapshot into `folder`; return what has to be known of it.

    Raises `ToolchainError` when it cannot be compiled.
    """
    grown = (picture.memory - base.initial.stat().st_size) // PAGE
    made = driver.run_driver(SERVE, picture.pages, grown)
    compile_module(base.launch.wasmtime, made, folder / DRIVER)
    # Measuring it would run the task's code, which could make the answer what it likes.
    restoring = driver.restoring_fuel(picture.pages)
    overhead = base.generic.overhead - base.restoring + restoring
    return {"frozen": 1, "overhead": overhead, "memory": picture.memory, "files": 0}


class _EndedError(Exception):
    """Raised when the taking of a snapshot was ended from outside: nothing is kept then."""

    def __init__(self, how: Unfrozen) -> None:
        super().__init__(how.reason)
        self.how = how


def _make(folder: Path, base: Base, code: Code, studio: Studio) -> shelf.Facts:
    eviction.prune_at_times(folder.parent)
    taken = take(base, code, studio)
    if isinstance(taken, Unfrozen):
        if taken.timed_out or taken.cancelled:
            raise _EndedError(taken)
        (folder / _REASON).write_text(taken.reason)
        return {"frozen": 0}
    facts = develop(taken.picture, base, folder)
    if taken.files is not None:
        (folder / _REASON).write_text(taken.files)
        facts["files"] = 1
    return facts


def _judged(taken: Picture) -> Film | Unfrozen:
    """Say whether what the import did can be frozen, by what the guest reports of it."""
    if taken.answer.kind == frames.FAILURE:
        failure = answers.read_failure(taken.answer.payload)
        return Unfrozen(f"fails: {failure.message[:_QUOTED]}")
    try:
        report = json.loads(taken.answer.payload)
        descriptors, printed = report["open"], report["printed"]
        fresh, files = report["fresh"], report["files"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"{type(error).__name__}") from None
    if not all(value is None or isinstance(value, str) for value in (fresh, files)):
        raise WireError("its report is not made of text")
    if descriptors:
        return Unfrozen("leaves a file open")
    if printed:
        return Unfrozen("prints more than a snapshot keeps")
    if fresh is not None:
        return Unfrozen(f"asks for what is new in each run: {fresh[:_QUOTED]}")
    return Film(taken, files if files is None else files[:_QUOTED])
