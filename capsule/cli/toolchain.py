"""`capsule toolchain`: the pinned parts, online or from a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from capsule.cli.bars import progress_for
from capsule.errors import ToolchainError
from capsule.paths import state_root
from capsule.toolstore import archive, manage

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.screen import Screen
    from capsule.toolstore.layout import Flavour


def install(screen: Screen, *, science: bool, quiet: bool) -> int:
    """Make the toolchain whole and say where it is."""
    progress = progress_for(screen, quiet=quiet)
    manage.install(state_root(), _flavours(science=science), progress=progress)
    if not quiet:
        screen.err(f"capsule: the toolchain is ready in {state_root() / 'toolchain'}")
    return 0


def list_parts(screen: Screen, *, as_json: bool) -> int:
    """Print a row for each part."""
    parts = manage.list_parts(state_root())
    if as_json:
        rows = [
            {
                "part": part.name,
                "version": part.version,
                "state": part.state,
                "size": part.size,
                "path": str(part.path),
            }
            for part in parts
        ]
        screen.out(json.dumps(rows))
    else:
        for part in parts:
            size = f"{part.size / 1e6:.1f} MB" if part.size else "-"
            screen.out(f"{part.name:<20} {part.version or '-':<10} {part.state:<10} {size:>10}")
    return 0


def verify(screen: Screen, *, as_json: bool) -> int:
    """Print what became of each file; all have to be whole."""
    findings = manage.verify(state_root())
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
        screen.out(json.dumps(rows))
    else:
        for finding in findings:
            screen.out(f"{finding.name:<20} {finding.state:<8} {finding.difference}".rstrip())
    bad = [finding for finding in findings if finding.state != "ok"]
    if bad:
        raise ToolchainError(
            f"{len(bad)} of {len(findings)} files are not as they have to be, first {bad[0].path}",
            hint="capsule toolchain install",
        )
    return 0


def export(screen: Screen, file: Path, *, quiet: bool) -> int:
    """Write the parts into `file`."""
    names = archive.export_toolchain(state_root(), file, progress=progress_for(screen, quiet=quiet))
    if not quiet:
        screen.err(f"capsule: wrote {', '.join(names)} to {file}")
    return 0


def import_(screen: Screen, file: Path, *, science: bool, quiet: bool) -> int:
    """Take the parts from `file`."""
    progress = progress_for(screen, quiet=quiet)
    flavours = _flavours(science=science)
    archive.import_toolchain(state_root(), file, flavours, progress=progress)
    if not quiet:
        screen.err(f"capsule: the toolchain is ready in {state_root() / 'toolchain'}")
    return 0


def remove(screen: Screen, *, quiet: bool) -> int:
    """Remove all parts and say how much room that made."""
    freed = manage.remove(state_root(), progress=progress_for(screen, quiet=quiet))
    if not quiet:
        screen.err(f"capsule: removed {freed / 1e6:.1f} MB")
    return 0


def _flavours(*, science: bool) -> list[Flavour]:
    return ["core", "science"] if science else ["core"]
