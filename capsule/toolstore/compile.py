"""Compile WebAssembly to this machine's code with the wasmtime program."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from capsule.errors import ToolchainError, hint_of
from capsule.processors import usable_processors
from capsule.progress import Step
from capsule.toolstore import run_program
from capsule.toolstore.flavours import PLAIN, codegen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Progress
    from capsule.toolstore.flavours import Flavour

# The interpreter uses WebAssembly exceptions, and its native code counts fuel. Whether it counts
# is settled here; how much there is, when it runs.
FLAGS = ("-W", "exceptions=y,fuel=1")

# Processor seconds that a compile takes; wasmtime shares them out over all cores.
_USUAL: dict[Flavour, float] = {
    "core": 16.0,
    "documents": 16.0,
    "numpy": 24.0,
    "pandas": 44.0,
    "matplotlib": 54.0,
    "scipy": 100.0,
    "science": 156.0,
}
_CORES = 8

_NO_SPACE = "free 1 GB, or set CAPSULE_HOME to a folder on another disk"


def compile_interpreter(
    wasmtime: Path, source: Path, target: Path, flavour: Flavour, progress: Progress
) -> None:
    """Compile the interpreter in `source` to the new file `target`, saying how long it goes on.

    Raises `ToolchainError` when wasmtime cannot do it.
    """
    cores = min(usable_processors(), _CORES)
    step = Step(f"compiling the {flavour} interpreter", _USUAL[flavour] / cores, "seconds")
    begin = time.monotonic()
    with progress.step(step) as tracker:

        def watch() -> None:
            tracker.update(time.monotonic() - begin)

        compile_file(wasmtime, source, target, watch, codegen=codegen(flavour))


def compile_module(
    wasmtime: Path,
    source: bytes,
    target: Path,
    watch: run_program.Watch | None = None,
    *,
    codegen: str = PLAIN,
) -> None:
    """Compile a module of ours; `target` is there whole afterwards, or as it was before.

    `watch` is called while it goes on, and can end it by raising. `codegen` is that of the
    interpreter that the module is used with.

    Raises `ToolchainError` when wasmtime refuses the module, and when `target` cannot be written.
    """
    from capsule.toolstore import files

    with files.writing(target.parent), ExitStack() as cleanup:
        temporary = []
        for suffix in (".wasm", ".cwasm"):
            handle, name = tempfile.mkstemp(suffix, f".{target.stem}-", target.parent)
            os.close(handle)
            temporary.append(Path(name))
            cleanup.callback(temporary[-1].unlink, missing_ok=True)
        module, made = temporary
        module.write_bytes(source)
        compile_file(wasmtime, module, made, watch, codegen=codegen)
        made.replace(target)


def compile_file(
    wasmtime: Path,
    source: Path,
    target: Path,
    watch: run_program.Watch | None = None,
    *,
    codegen: str = PLAIN,
) -> None:
    """Compile the module in `source` to `target`. As `compile_module`, but nothing is cleaned up.

    Raises `ToolchainError` when wasmtime refuses the module.
    """
    argv = [str(wasmtime), "compile", "-C", codegen, *FLAGS, str(source), "-o", str(target)]
    try:
        outcome = run_program.run(argv, run_program.bare_environment(), watch)
    except OSError as error:
        raise ToolchainError(
            f"cannot start {wasmtime}: {error.strerror or error}",
            hint=hint_of(error, "capsule toolchain verify"),
        ) from error
    if outcome.status == 0:
        return
    if (found := run_program.loader_failure(outcome.stderr)) is not None:
        said, hint = found
        raise ToolchainError(f"{wasmtime} cannot be started: {said}", hint=hint)
    said = run_program.tail(outcome.stderr)
    how = f"ended with status {outcome.status}"
    if outcome.status < 0:
        how = f"was killed by signal {-outcome.status}, perhaps for want of memory"
    raise ToolchainError(
        f"{wasmtime} could not compile {source.name}: it {how}" + (f": {said}" if said else ""),
        hint=_NO_SPACE if "No space left" in outcome.stderr else "capsule toolchain verify",
    )
