"""Which wasmtime is used here: the pinned one, one that was installed, or one that is named."""

from __future__ import annotations

from dataclasses import dataclass

from capsule.errors import ToolchainError
from capsule.toolstore import file_index, pins, platform_tag, wasmtime_override, wasmtime_vetting
from capsule.toolstore.layout import WASMTIME, Layout, installed_wasmtime, named_wasmtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.sources import ToolchainSources


@dataclass(frozen=True, slots=True)
class Program:
    """A wasmtime; `sha256` is empty for the pinned one, and for one that cannot be used.

    `trouble` says why it cannot, in which case `version` is empty.
    """

    origin: Literal["pinned", "installed", "named"]
    version: str
    path: Path
    sha256: str = ""
    trouble: ToolchainError | None = None


def program_in_use(
    layout: Layout, known: FileIndex, pinned: pins.Pins, sources: ToolchainSources
) -> Program | None:
    """Return the program that commands run, None on a machine for which none is pinned.

    One that `CAPSULE_WASMTIME` names and nobody has used yet is asked for its version.
    """
    named = named_wasmtime(sources.environ)
    if named is not None:
        try:
            binary = _known(known, named) or wasmtime_override.inspect(
                named, pinned.wasmtime.oldest
            )
            wasmtime_vetting.admit(binary.version, wasmtime_vetting.named(named), sources)
        except ToolchainError as error:
            return Program("named", "", named, trouble=error)
        return Program("named", binary.version, named, binary.sha256)
    if (chosen := known.chosen) is not None:
        path = layout.root / installed_wasmtime(chosen.sha256)
        return Program("installed", chosen.version, path, chosen.sha256)
    kind = sources.machine or platform_tag.detect()
    try:
        pins.pin_for(pinned, kind.system, kind.machine, kind.libc)
    except ToolchainError:
        return None
    return Program("pinned", pinned.wasmtime.reports, layout.root / WASMTIME)


def _known(known: FileIndex, named: Path) -> file_index.Binary | None:
    binary = known.binaries.get(str(named))
    try:
        return binary if binary and file_index.signature(named) == binary.signature else None
    except OSError:
        return None
