"""The snapshot of a task: an interpreter that has imported the task's modules.

It is taken on the first run, and kept under a key that stands for all that decides it. Taking it
runs the task's import, in a sandbox like every other, under limits of its own. Not every import can
be frozen; one that cannot is done again in each run, and why is kept in the snapshot's place.
"""

from __future__ import annotations

import time

from capsule import direct_json
from capsule.errors import ToolchainError, WireError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.progress import Silent
from capsule.shared import frames
from capsule.snapshot import cache, request
from capsule.snapshot.base_snapshot import IMAGE, SERVE, Snapshot
from capsule.snapshot.task_code import Code, mounts_of
from capsule.wasm import PAGE
from capsule.wire import response_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.snapshot.base_snapshot import Base
    from capsule.snapshot.changed_pages import PageRun
    from capsule.snapshot.memory_dump import MemoryDump

# What an import may spend: pandas, scipy and matplotlib together take some 1.5e10.
IMPORT_FUEL = 50_000_000_000
IMPORT_SECONDS = 30.0

STORE = "tasks"
_QUOTED = 300  # characters of what a guest says that a reason repeats
_MOST_NAMES, _LONGEST_NAME = 1_001, 256
_REASON, _VARIABLES = "reason", "variables"
_FACTS = ("frozen", "overhead", "warming", "memory", "files", "variables", "failed")
# A task that does nothing: what a run of it takes is what any run takes besides its task. Its file
# is named as briefly as most are: reading a request takes some 150 units for each letter of that.
_NOTHING = Code({"task.py": b"def main(): pass\n"}, "task", "nothing")


class Frozen(NamedTuple):
    """A task's snapshot; `files` says where its import looked at files, if it did.

    `variables` are the names of those that it looked up, "*" for all.
    """

    snapshot: Snapshot
    files: str | None
    variables: tuple[str, ...] = ()

    def looks_up(self, granted: Iterable[str]) -> str | None:
        """Return which of the variables that a task may see its import looked up, if any."""
        seen = frozenset(self.variables)
        return next((name for name in granted if name in seen or "*" in seen), None)


class Unfrozen(NamedTuple):
    """Why a task has no snapshot, in words that follow "its import".

    `limited` means that it may have one when there is more time or memory, so that the reason is
    not kept. `failed` means that the import raised. `timed_out` means that it took longer than the
    task's own limit. `needs` is a package that the interpreter has not: the import was ended for
    that, and there may be a snapshot on one that has it.
    """

    reason: str
    limited: bool = False
    failed: bool = False
    timed_out: bool = False
    cancelled: bool = False
    needs: str | None = None


class SnapshotContent(NamedTuple):
    """What a task's snapshot is made of: see `dump_driver.MemoryDump`, and `Frozen`."""

    pages: list[PageRun]
    memory: int
    files: str | None
    variables: tuple[str, ...] = ()


def open_task(home: Path, base: Base, code: Code, settings: SnapshotSettings) -> Frozen | Unfrozen:
    """Return the task's snapshot, taking it first where there is none that is whole.

    Raises `ToolchainError` when it can be taken and not be kept.
    """
    try:
        entry = cache.obtain(
            store_of(home),
            task_key(base, code),
            lambda folder: _make(folder, home, base, code, settings),
            settings.progress,
            _FACTS,
        )
    except _EndedError as ended:
        return ended.how
    if not entry.facts["frozen"]:
        return Unfrozen(_reason(entry), failed=bool(entry.facts["failed"]))
    return _frozen(entry)


def restore(
    home: Path, base: Base, content: Callable[[], SnapshotContent], digest: str, progress: Progress
) -> Frozen:
    """Return a snapshot that was taken elsewhere; `digest` stands for all of it.

    Raises `ToolchainError` when it cannot be kept, and what `content` raises.
    """
    entry = cache.obtain(
        store_of(home),
        cache.key(base.key.encode(), b"artifact", digest.encode()),
        lambda folder: _make_image(content(), home, base, folder),
        progress,
        _FACTS,
    )
    return _frozen(entry)


def _frozen(entry: cache.Entry) -> Frozen:
    facts = entry.facts
    snapshot = Snapshot(
        entry.folder / IMAGE, facts["overhead"], facts["warming"], facts["memory"], entry.lease
    )
    names: list[str] = []
    if facts["variables"]:
        names = (entry.folder / _VARIABLES).read_text(encoding="utf-8").split("\0")
    return Frozen(snapshot, _reason(entry) if facts["files"] else None, tuple(names))


def _reason(entry: cache.Entry) -> str:
    return (entry.folder / _REASON).read_text(encoding="utf-8")


def _write_reason(folder: Path, reason: str) -> None:
    (folder / _REASON).write_text(printable(reason), encoding="utf-8")


class SnapshotSettings(NamedTuple):
    """What a task's snapshot is taken with, and under which of the task's own limits.

    `timeout_ms` is in milliseconds and `ram` in bytes; None is no limit.
    """

    layers: IsolationLayers
    timeout_ms: int | None
    ram: int | None
    cancellation: Cancellation
    progress: Progress


def store_of(home: Path) -> Path:
    """Return the folder with the snapshots of tasks."""
    return home / "cache" / STORE


def task_key(base: Base, code: Code) -> str:
    """Return what stands for a task's snapshot."""
    return cache.key(base.key.encode(), code.digest.encode(), code.packages_digest.encode())


def take(base: Base, code: Code, settings: SnapshotSettings) -> SnapshotContent | Unfrozen:
    """Import the task's modules in a sandbox and dump its memory.

    Raises `ToolchainError` when the sandbox cannot be started.
    """
    # Here and below: what only taking a snapshot needs is not for every run to import.
    from capsule.snapshot.memory_dump import MAX_MEMORY, Bounds, DumpFailure, dump_memory

    asked = request.freeze(code)
    launch = base.launch._replace(
        image=base.generic.image,
        driver=base.dump_driver,
        fuel=IMPORT_FUEL + base.generic.overhead,
        memory=min(MAX_MEMORY, settings.ram or MAX_MEMORY),
        mounts=(*base.launch.mounts, *mounts_of(code)),
    )
    its_own = settings.timeout_ms is not None and settings.timeout_ms < 1000 * IMPORT_SECONDS
    seconds = settings.timeout_ms / 1000 if settings.timeout_ms and its_own else IMPORT_SECONDS
    bounds = Bounds(time.monotonic() + seconds, settings.cancellation)
    taken = dump_memory(launch, settings.layers, asked, base.initial.read_bytes(), bounds)
    if isinstance(taken, DumpFailure):
        return Unfrozen(
            f"cannot be frozen: {taken.reason}",
            taken.limited,
            timed_out=taken.timed_out and its_own,
            cancelled=taken.cancelled,
        )
    try:
        return _judged(taken)
    except WireError as error:
        return Unfrozen(f"answered nonsense: {error.message}")


def module_of(content: SnapshotContent, base: Base) -> bytes:
    """Return a driver that restores the snapshot by itself, as a module: an artifact's."""
    grown = max(content.memory - base.initial.stat().st_size, 0) // PAGE
    from capsule.snapshot import driver

    return driver.artifact_driver(SERVE, content.pages, grown)


def _check(settings: SnapshotSettings) -> None:
    if settings.cancellation.cancelled:
        raise _EndedError(Unfrozen("was cancelled", limited=True, cancelled=True))


def _make_image(
    content: SnapshotContent,
    home: Path,
    base: Base,
    folder: Path,
    watch: Callable[[], None] | None = None,
) -> cache.Facts:
    """Compile the memory of a snapshot into `folder`; return what has to be known of it."""
    from capsule.snapshot import eviction

    eviction.prune_at_times(folder.parent)
    _compile(content, base, folder / IMAGE, watch)
    if content.files is not None:
        _write_reason(folder, content.files)
    if content.variables:
        (folder / _VARIABLES).write_text("\0".join(content.variables), encoding="utf-8")
    # Measuring it would run the task's code, which could make the answer what it likes.
    costs = _costs(home, base)
    return {
        "frozen": 1,
        "overhead": costs["overhead"],
        "warming": costs["warming"],
        "memory": content.memory,
        "files": int(content.files is not None),
        "variables": int(bool(content.variables)),
        "failed": 0,
    }


def _compile(
    content: SnapshotContent, base: Base, target: Path, watch: Callable[[], None] | None = None
) -> None:
    from capsule.snapshot.memory_image import Image, compile_image

    image = Image(base.initial.read_bytes(), content.pages, content.memory)
    launch = base.launch
    compile_image(launch.wasmtime, image, target, watch, codegen=launch.codegen)


def _costs(home: Path, base: Base) -> cache.Facts:
    """Return the fuel that any run from a snapshot takes besides its task.

    It is measured once for a base, with a task of capsule's own. The generic snapshot would not do:
    code that was run before, as that of the import's request, takes less than the first time.
    """
    entry = cache.obtain(
        home / "cache" / "generic",
        cache.key(base.key.encode(), b"costs", request.freeze(_NOTHING)),
        lambda folder: _measure(folder, base),
        Silent(),
        ("overhead", "warming"),
    )
    return entry.facts


def _measure(folder: Path, base: Base) -> cache.Facts:
    from capsule.confine.isolation_layers import standing
    from capsule.process.cancel import Cancellation
    from capsule.snapshot import calibration

    layers = standing()
    with Cancellation() as never:
        taken = take(base, _NOTHING, SnapshotSettings(layers, None, None, never, Silent()))
    if not isinstance(taken, SnapshotContent):
        raise ToolchainError(
            f"the interpreter cannot be measured: its import {taken.reason}",
            hint="capsule toolchain verify",
        )
    _compile(taken, base, folder / IMAGE)
    launch = base.launch._replace(image=folder / IMAGE)
    asked = [request.null_call(_NOTHING.entry, hollow=hollow) for hollow in (True, False)]
    costs = calibration.costs(launch, base.first_step, layers, *asked)
    # The numbers are all that is wanted of it.
    (folder / IMAGE).unlink()
    return {"overhead": costs.overhead, "warming": costs.warming}


class _EndedError(Exception):
    """Raised when there is no snapshot for a reason that may pass: nothing is kept then."""

    def __init__(self, how: Unfrozen) -> None:
        super().__init__(how.reason)
        self.how = how


def _make(
    folder: Path, home: Path, base: Base, code: Code, settings: SnapshotSettings
) -> cache.Facts:
    taken = take(base, code, settings)
    if isinstance(taken, SnapshotContent):
        return _make_image(taken, home, base, folder, lambda: _check(settings))
    if taken.limited:
        raise _EndedError(taken)
    _write_reason(folder, taken.reason)
    return {**dict.fromkeys(_FACTS, 0), "failed": int(taken.failed)}


def _quoted(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def _judged(taken: MemoryDump) -> SnapshotContent | Unfrozen:
    """Say whether what the import did can be frozen, by what the guest reports of it."""
    if taken.answer.kind == frames.FAILURE:
        failure = response_parser.read_failure(taken.answer.payload)
        limited = failure.error_type == "memory_exceeded" or failure.needs is not None
        reason = f"fails: {_quoted(failure.message)}"
        return Unfrozen(reason, limited, failed=True, needs=failure.needs)
    try:
        report = direct_json.loads(taken.answer.payload)
        descriptors, printed, left = report["open"], report["printed"], report["left"]
        fresh, files, variables = report["fresh"], report["files"], report["variables"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"{type(error).__name__}") from None
    if not all(value is None or isinstance(value, str) for value in (fresh, files)):
        raise WireError("its report is not made of text")
    if not is_names(variables):
        raise WireError("its report has no list of variables")
    if descriptors:
        return Unfrozen("leaves a file open")
    if left:
        return Unfrozen("writes files, and those are gone in each run")
    if printed:
        return Unfrozen("prints more than a snapshot keeps")
    if fresh is not None:
        return Unfrozen(f"asks for what is new in each run: {_quoted(fresh)}")
    looked = files if files is None else _quoted(files)
    return SnapshotContent(taken.pages, taken.memory, looked, tuple(variables))


def is_names(value: object) -> bool:
    """Say whether what a stranger claims to be names of variables is a list of such.

    >>> is_names(["HOME"]), is_names(["A\\0B"]), is_names("HOME")
    (True, False, False)
    """
    return (
        isinstance(value, list)
        and len(value) <= _MOST_NAMES
        and all(isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME for name in value)
        and all(name.isprintable() for name in value)
    )
