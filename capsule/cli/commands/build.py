"""`capsule build`: ahead of time what the first run does, and the artifact that carries it."""

from __future__ import annotations

import time
from pathlib import Path

from capsule.cli.parsing.file_suggestions import absent, quoted
from capsule.cli.runtime.context import of_this_program
from capsule.cli.runtime.signals import cancelling
from capsule.cli.terminal.progress_bars import progress_for
from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.process.cancel import Cancellation
from capsule.runner.build_artifact import build, export, save
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.source import entrypoint, read_file
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console

_SUFFIX = ".wasm"


class Options(NamedTuple):
    """What the command line says, as text."""

    file: str | None
    export: bool
    output: str | None
    json: bool = False
    quiet: bool = False


def command(options: Options, console: Console) -> int:
    """Build a task, and write its artifact when that was asked for; print where that is.

    Raises `CapsuleError`.
    """
    if options.output is not None and not options.export:
        raise UsageError("--output names an artifact, and none was asked for", hint="--export")
    working = of_this_program(console).working_folder()
    path = entrypoint(working) if options.file is None else Path(options.file)
    if options.file is not None and not (working / path).exists():
        raise absent(options.file, artifact=False, working=working, command="capsule build")
    if not path.name or path.is_dir():
        raise UsageError(
            f"{str(path)!r} is a folder, and no task file", hint="capsule build FILE.py"
        )
    target = _target(path, options.output) if options.export else None
    begin = time.monotonic()
    source = read_file(path, working)
    size = None
    with Cancellation() as cancellation, cancelling(cancellation):
        progress = CancellableProgress(progress_for(console, quiet=options.quiet), cancellation)
        built = build(source, checked_root(), progress, cancellation)
        if target is not None:
            artifact = export(source, built)
            size = len(artifact)
            save(artifact, working / target)
    if options.json:
        row = {"artifact": target and str(target), "size": size, "without_snapshot": built.plain}
        console.document(row)
        return 0
    if target is not None:
        console.out(str(target))
    if not options.quiet:
        if built.plain is not None:
            console.err(f"capsule: {path.name} has no snapshot: its import {built.plain}")
        done = "built" if size is None else f"exported, {size / 1e6:.1f} MB"
        console.err(f"capsule: {path.name} is {done}, in {time.monotonic() - begin:.1f} s")
    return 0


def _target(path: Path, output: str | None) -> Path:
    if output is None:
        return path.with_suffix(_SUFFIX)
    if Path(output).is_dir():
        inside = Path(output, path.stem + _SUFFIX)
        raise UsageError(
            f"--output {output!r}: it is a folder", hint=f"--output {quoted(str(inside))}"
        )
    if not output.endswith(_SUFFIX):
        raise UsageError(
            f"--output {output}: an artifact's name ends in {_SUFFIX}", hint=f"{output}{_SUFFIX}"
        )
    return Path(output)
