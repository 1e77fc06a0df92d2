"""`capsule toolchain`: the pinned parts, online or from a file."""

from __future__ import annotations

import os
from pathlib import Path

from capsule.cli.render import part_list
from capsule.cli.terminal.progress_bars import progress_for
from capsule.errors import ToolchainError, UsageError
from capsule.namedtuples import NamedTuple
from capsule.state_folder import checked_root
from capsule.toolstore import archive, manage
from capsule.toolstore.layout import WASMTIME_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console
    from capsule.progress import Progress
    from capsule.toolstore.flavours import Flavour

# In place of a file: the program that comes with capsule.
PINNED = "pinned"


class ToolchainOptions(NamedTuple):
    """What the command line says."""

    science: bool
    quiet: bool
    json: bool


def install(console: Console, asked: ToolchainOptions, wasmtime: str = "") -> int:
    """Make the toolchain whole and say where it is; `wasmtime` is a file, or `PINNED`."""
    progress = progress_for(console, quiet=asked.quiet)
    if wasmtime:
        parts = _choose(wasmtime, asked, progress)
    else:
        parts = manage.install(checked_root(), _flavours(asked), progress=progress)
    _say_ready(parts, asked, console)
    return 0


def _choose(wasmtime: str, asked: ToolchainOptions, progress: Progress) -> list[manage.Part]:
    """Install the program in a file, or go back to the pinned one."""
    from capsule.cli.commands.trial_run import trial_run
    from capsule.toolstore.wasmtime_choice import choose

    if os.environ.get(WASMTIME_VARIABLE):
        raise UsageError(
            f"{WASMTIME_VARIABLE} is set, and wins over what is installed",
            hint=f"unset {WASMTIME_VARIABLE}",
        )
    file = None if wasmtime == PINNED else Path(wasmtime).expanduser()

    def trial() -> None:
        try:
            trial_run(progress)
        except ToolchainError as error:
            raise ToolchainError(
                f"no task runs with {wasmtime}, so it is not taken: {error.message}",
                hint=error.hint,
            ) from error

    return choose(checked_root(), file, _flavours(asked), progress=progress, trial=trial)


def list_parts(console: Console, *, as_json: bool) -> int:
    """Print a row for each part."""
    parts = manage.list_parts(checked_root())
    if as_json:
        console.document(part_list.rows(parts))
    else:
        for line in part_list.lines(parts):
            console.out(line)
    return 0


def verify(console: Console, *, as_json: bool) -> int:
    """Print what became of each file; all have to be whole."""
    findings = manage.verify(checked_root())
    if as_json:
        rows = [
            {
                "part": finding.name,
                "state": finding.state,
                "difference": finding.difference,
                "path": str(finding.path),
            }
            for finding in findings
        ]
        console.document(rows)
    else:
        for finding in findings:
            console.out(f"{finding.name:<20} {finding.state:<8} {finding.difference}".rstrip())
    bad = [finding for finding in findings if finding.state != "ok"]
    if not bad:
        return 0
    # Said beside the findings, not raised: with `--json`, stdout has one document already.
    error = ToolchainError(
        f"{len(bad)} of {len(findings)} files are not as they have to be, first {bad[0].path}",
        hint="capsule toolchain install",
    )
    console.error(error)
    return error.exit_code


def export(console: Console, file: Path, asked: ToolchainOptions) -> int:
    """Write the parts into `file`."""
    progress = progress_for(console, quiet=asked.quiet)
    names = archive.export_toolchain(checked_root(), file, progress=progress)
    size = file.stat().st_size
    if asked.json:
        console.document({"file": str(file), "size": size, "wheels": names})
    elif not asked.quiet:
        console.err(f"capsule: wrote {len(names)} wheels, {size / 1e6:.1f} MB, to {file}")
    return 0


def import_(console: Console, file: Path, asked: ToolchainOptions) -> int:
    """Take the parts from `file`."""
    progress = progress_for(console, quiet=asked.quiet)
    parts = archive.import_toolchain(checked_root(), file, _flavours(asked), progress=progress)
    _say_ready(parts, asked, console)
    return 0


def remove(console: Console, asked: ToolchainOptions) -> int:
    """Remove all parts and say how much room that made."""
    gone = manage.remove(checked_root(), progress=progress_for(console, quiet=asked.quiet))
    freed = sum(removed.size for removed in gone)
    if asked.json:
        rows = [{"toolchain": removed.identity, "size": removed.size} for removed in gone]
        console.document({"removed": rows, "freed": freed})
    elif not asked.quiet:
        console.err(f"capsule: removed {freed / 1e6:.1f} MB")
    return 0


def _flavours(asked: ToolchainOptions) -> list[Flavour]:
    return ["core", "science"] if asked.science else ["core"]


def _say_ready(parts: list[manage.Part], asked: ToolchainOptions, console: Console) -> None:
    folder = checked_root() / "toolchain"
    if asked.json:
        console.document({"folder": str(folder), "parts": part_list.rows(parts)})
    elif not asked.quiet:
        console.err(f"capsule: the toolchain is ready in {folder}")
