"""The generic snapshot: an interpreter with the guest's runtime loaded and no task yet.

It is made once for a toolchain and a version of the guest, and shared by all runs.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from capsule.process.argv import STDLIB_GUEST, Launch, Mount
from capsule.snapshot import calibration, driver, gauge, guest, pages, shelf
from capsule.snapshot.camera import picture
from capsule.toolstore.compile import compile_module
from capsule.wasm import PAGE

if TYPE_CHECKING:
    from capsule.confine.walls import Walls
    from capsule.progress import Progress
    from capsule.toolstore.toolchain import Toolchain

_PREPARE_FUEL = 10**12
_SERVE = "capsule_guest.main.serve()\n"
_HOST, _DRIVER = "host.cwasm", "driver.cwasm"


class Snapshot(NamedTuple):
    """A driver that is ready to run, and what has to be known of it.

    `overhead` is the fuel that a run of it takes besides the task's own, `memory` the bytes of
    linear memory that it starts with, `first_step` where in the host module the gauge begins.
    """

    host_module: Path
    driver: Path
    overhead: int
    memory: int
    first_step: int


def stdlib_mount(folder: Path) -> Mount:
    """Return the mount of the standard library in `folder`, which every run has."""
    return Mount(folder, STDLIB_GUEST, writable=False)


def open_generic(
    home: Path, toolchain: Toolchain, walls: Walls, progress: Progress, *, asyncio: bool
) -> Snapshot:
    """Return the generic snapshot, making it first where there is none that is whole.

    `asyncio` says whether asyncio is loaded in it: without, a run starts 2 ms sooner.

    Raises `ToolchainError` when it cannot be made.
    """
    recipe = toolchain.identity.encode() + gauge.recipe()
    host = shelf.obtain(
        home / "cache" / "host",
        _key(recipe),
        lambda folder: _make_host(folder, toolchain),
        progress,
    )
    content = guest.guest_files()
    run = Launch(
        toolchain.wasmtime,
        host.folder / _HOST,
        toolchain.interpreter,
        driver=Path(),
        fuel=_PREPARE_FUEL,
        mounts=(stdlib_mount(toolchain.stdlib),),
    )
    recipe += driver.RECIPE + bytes([asyncio])
    studio = _Studio(run, host.facts["first_step"], content, walls)
    entry = shelf.obtain(
        home / "cache" / "generic",
        _key(recipe, *_flat(content)),
        lambda folder: _make(folder, studio, asyncio=asyncio),
        progress,
    )
    return Snapshot(
        run.host_module,
        entry.folder / _DRIVER,
        entry.facts["overhead"],
        entry.facts["memory"],
        host.facts["first_step"],
    )


def _make_host(folder: Path, toolchain: Toolchain) -> shelf.Facts:
    module = gauge.host_module()
    compile_module(toolchain.wasmtime, module.source, folder / _HOST)
    return {"first_step": module.first_step}


class _Studio(NamedTuple):
    """What a snapshot is made with; `run` is the launch of a run but for its driver."""

    run: Launch
    first_step: int
    content: dict[str, bytes]
    walls: Walls


def _make(folder: Path, studio: _Studio, *, asyncio: bool) -> shelf.Facts:
    run, walls = studio.run, studio.walls
    with tempfile.TemporaryDirectory(prefix="capsule-") as scratch:
        guest.lay_out(studio.content, Path(scratch, "guest"))
        camera = Path(scratch, "camera.cwasm")
        launch = run._replace(driver=camera)
        compile_module(run.wasmtime, driver.camera_driver(None), camera)
        before = picture(launch, walls)
        source = guest.preparation(asyncio=asyncio)
        compile_module(run.wasmtime, driver.camera_driver(source), camera)
        runtime = Mount(Path(scratch, "guest"), guest.MOUNT, writable=False)
        after = picture(launch._replace(mounts=(*run.mounts, runtime)), walls)
    grown = (len(after) - len(before)) // PAGE
    made = driver.run_driver(_SERVE, pages.changed(before, after), grown)
    compile_module(run.wasmtime, made, folder / _DRIVER)
    cost = calibration.overhead(run._replace(driver=folder / _DRIVER), studio.first_step, walls)
    return {"overhead": cost, "memory": len(after)}


def _key(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:32]


def _flat(content: dict[str, bytes]) -> list[bytes]:
    return [part for name, text in content.items() for part in (name.encode(), text)]
