"""The generic snapshot: an interpreter with the guest's runtime loaded and no task yet.

It is made once for a toolchain and a version of the guest, and shared by all runs. What every other
snapshot is made and run with stands beside it: the drivers, and memory as it is at the start.
"""

from __future__ import annotations

from pathlib import Path

from capsule.errors import ToolchainError
from capsule.namedtuples import NamedTuple
from capsule.process.argv import STDLIB_GUEST, Launch, Mount
from capsule.snapshot import cache, guest_files, request
from capsule.snapshot.module_edition import EDITION
from capsule.toolstore.flavours import KEEPS, codegen
from capsule.toolstore.layout import INTERPRETER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.progress import Progress
    from capsule.snapshot.memory_dump import MemoryDump
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.toolchain import Toolchain
    from capsule.toolstore.toolchain_lock import Lease

_PREPARE_FUEL = 10**12
_SECONDS = 120
# The turns of the runtime, once it is prepared: see `capsule_guest.main`.
SERVE, _FREEZE, TURN = "serve", "freeze", "turn"
_GUARD, _HOST, _RUN, _DUMP = "guard.cwasm", "host.cwasm", "run.cwasm", "dump.cwasm"
_TURN = "turn.cwasm"
# Memory before anything ran: as it is, and as a module. The first has holes, and is read and never
# mapped: where the disk is memory, to look at a hole takes some of that, and where none is left the
# system ends who looks.
_INITIAL, _INITIAL_IMAGE = "initial", "initial.cwasm"
IMAGE = "memory.cwasm"


class Snapshot(NamedTuple):
    """Memory that a run can begin with, and what has to be known of it.

    `overhead` is the fuel that such a run takes besides the task's own, `warming` what a request
    to warm up takes besides, `memory` how many bytes it is. While `lease` is referred to, the
    file `image` stays.
    """

    image: Path
    overhead: int
    warming: int
    memory: int
    lease: Lease | None = None


class Runtime(NamedTuple):
    """What a task's memory depends on besides the task, on every machine; `key` is for all of it.

    `interpreter` is that of `Toolchain.portable`, `asyncio` whether that module was loaded before.
    """

    interpreter: str
    flavour: Flavour
    asyncio: bool
    key: str


class Base(NamedTuple):
    """What runs of all tasks share.

    `launch` is that of a run but for its memory, folders and limits, `first_step` where in the host
    module the meter begins. `dump_driver` is the driver that freezes a task, `turn_driver` that of
    a session's turn, `initial` the file with the memory before anything ran. `key` stands for all
    of it on this machine.
    While `leases` are referred to, the files stay.
    """

    launch: Launch
    first_step: int
    generic: Snapshot
    dump_driver: Path
    turn_driver: Path
    initial: Path
    key: str
    runtime: Runtime
    leases: tuple[Lease | None, ...] = ()


def open_base(
    home: Path, toolchain: Toolchain, layers: IsolationLayers, progress: Progress, *, asyncio: bool
) -> Base:
    """Return what runs share, making it first where there is none that is whole.

    `asyncio` says whether asyncio is loaded in it: without, a run starts 2 ms sooner.

    Raises `ToolchainError` when it cannot be made.
    """
    made_so = codegen(toolchain.flavour)
    recipe = toolchain.identity.encode() + EDITION + made_so.encode()
    content = guest_files.fingerprint(home)
    host = cache.obtain(
        home / "cache" / "host",
        cache.key(recipe, SERVE.encode(), _FREEZE.encode(), TURN.encode()),
        lambda folder: _make_host(folder, toolchain),
        progress,
        ("first_step",),
    )
    mounts, leases = _mounts(home, toolchain, progress)
    run = Launch(
        toolchain.wasmtime,
        image=host.folder / _INITIAL_IMAGE,
        guard=host.folder / _GUARD,
        host_module=host.folder / _HOST,
        interpreter=toolchain.interpreter,
        driver=host.folder / _RUN,
        codegen=made_so,
        fuel=_PREPARE_FUEL,
        mounts=mounts,
    )
    settings = _BaseSettings(
        run,
        host.facts["first_step"],
        host.folder / _INITIAL,
        content,
        guest_files.preparation(toolchain.flavour, asyncio=asyncio),
        layers,
    )
    recipe += guest_files.COMPILATION.encode()
    key = cache.key(recipe, settings.preparation.encode(), content)
    entry = cache.obtain(
        home / "cache" / "generic",
        key,
        lambda folder: _make(folder, settings),
        progress,
        ("overhead", "warming", "memory"),
    )
    facts = entry.facts
    return Base(
        run,
        settings.first_step,
        Snapshot(
            entry.folder / IMAGE, facts["overhead"], facts["warming"], facts["memory"], entry.lease
        ),
        host.folder / _DUMP,
        host.folder / _TURN,
        settings.initial,
        key,
        Runtime(
            toolchain.portable,
            toolchain.flavour,
            asyncio,
            cache.key(toolchain.portable.encode(), settings.preparation.encode(), content),
        ),
        (host.lease, *leases),
    )


def _mounts(
    home: Path, toolchain: Toolchain, progress: Progress
) -> tuple[tuple[Mount, ...], tuple[Lease | None, ...]]:
    library = Mount(toolchain.stdlib, STDLIB_GUEST, writable=False)
    if "matplotlib" not in KEEPS[toolchain.flavour]:
        return (library,), ()
    from capsule.snapshot.matplotlib_data import data_mount

    data, lease = data_mount(home, toolchain, progress)
    return (library, data), (lease,)


def _make_host(folder: Path, toolchain: Toolchain) -> cache.Facts:
    # Here and below: what only making needs is not for every run to import.
    from capsule.snapshot import driver, fuel_meter
    from capsule.snapshot.guard_module import guard_module
    from capsule.snapshot.initial_memory import initial_memory
    from capsule.snapshot.memory_image import Image, compile_image, write_sparse
    from capsule.toolstore.compile import compile_module

    module = fuel_meter.host_module()
    made_so = codegen(toolchain.flavour)

    def make(source: bytes, target: Path) -> None:
        compile_module(toolchain.wasmtime, source, target, codegen=made_so)

    make(guard_module(), folder / _GUARD)
    make(module.source, folder / _HOST)
    make(driver.run_driver(SERVE), folder / _RUN)
    make(driver.dump_driver(_FREEZE), folder / _DUMP)
    make(driver.turn_driver(TURN), folder / _TURN)
    memory = initial_memory(toolchain.root / INTERPRETER)
    compile_image(toolchain.wasmtime, Image(memory), folder / _INITIAL_IMAGE, codegen=made_so)
    with (folder / _INITIAL).open("wb") as file:
        write_sparse(file, 0, memory)
        file.truncate(len(memory))
    return {"first_step": module.first_step}


class _BaseSettings(NamedTuple):
    """What the generic snapshot is made with; `run` is the launch of a run but for its memory."""

    run: Launch
    first_step: int
    initial: Path
    content: bytes
    preparation: str
    layers: IsolationLayers


def _make(folder: Path, settings: _BaseSettings) -> cache.Facts:
    import tempfile

    from capsule.snapshot import calibration
    from capsule.snapshot.memory_image import Image, compile_image

    run, layers = settings.run, settings.layers
    with tempfile.TemporaryDirectory(prefix="capsule-") as scratch:
        sources, compiled = Path(scratch, "guest"), Path(scratch, "compiled")
        guest_files.lay_out(guest_files.guest_files(settings.content), sources)
        compiled.mkdir()
        runtime = Mount(sources, guest_files.MOUNT, writable=False)
        target = Mount(compiled, guest_files.COMPILED, writable=True)
        _after(settings, Path(scratch), guest_files.COMPILATION, (runtime, target))
        runtime = runtime._replace(host=compiled)
        taken = _after(settings, Path(scratch), settings.preparation, (runtime,))
    image = Image(settings.initial.read_bytes(), taken.pages, taken.memory)
    compile_image(run.wasmtime, image, folder / IMAGE, codegen=run.codegen)
    launch = run._replace(image=folder / IMAGE)
    asked = request.idle(hollow=True), request.idle()
    costs = calibration.costs(launch, settings.first_step, layers, *asked)
    return {
        "overhead": costs.overhead,
        "warming": costs.warming,
        "memory": taken.memory,
    }


def _after(
    settings: _BaseSettings, scratch: Path, turn: str, mounts: tuple[Mount, ...]
) -> MemoryDump:
    """Return the memory behind a turn of the interpreter. Raises `ToolchainError`."""
    import time

    from capsule.process.cancel import Cancellation
    from capsule.snapshot import driver
    from capsule.snapshot.memory_dump import MAX_MEMORY, Bounds, DumpFailure, dump_memory
    from capsule.toolstore.compile import compile_module

    run = settings.run
    dump_driver = scratch / "dump.cwasm"
    compile_module(run.wasmtime, driver.dump_driver(turn), dump_driver, codegen=run.codegen)
    launch = run._replace(driver=dump_driver, mounts=(*run.mounts, *mounts), memory=MAX_MEMORY)
    with Cancellation() as never:
        bounds = Bounds(time.monotonic() + _SECONDS, never)
        initial = settings.initial.read_bytes()
        taken = dump_memory(launch, settings.layers, b"", initial, bounds)
    if isinstance(taken, DumpFailure):
        raise ToolchainError(
            f"the interpreter could not be started for its snapshot: {taken.reason}",
            hint="capsule toolchain verify",
        )
    return taken
