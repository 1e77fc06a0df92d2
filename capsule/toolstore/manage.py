"""Look at a toolchain, repair it, remove it: the commands of `capsule toolchain`, unprinted."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from capsule.toolstore import (
    file_index,
    files,
    inventory,
    pins,
    verify_hash,
    wasmtime_vetting,
)
from capsule.toolstore.flavours import FLAVOURS
from capsule.toolstore.layout import (
    REMOVED,
    WASMTIME_VARIABLE,
    compiled,
    named_wasmtime,
)
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.prepare import builder
from capsule.toolstore.program_in_use import Program, program_in_use
from capsule.toolstore.sources import ToolchainSources
from capsule.toolstore.toolchain import unchanged
from capsule.toolstore.toolchain_lock import locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Literal

    from capsule.errors import ToolchainError
    from capsule.progress import Progress
    from capsule.toolstore.advisories import Advisory
    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.layout import Layout


# What is listed where it is not there: what every task may need, and what is enough for all.
_LISTED: tuple[Flavour, ...] = ("core", "science")


@dataclass(frozen=True, slots=True)
class Part:
    """A row of `toolchain list`; `size` is in bytes, 0 for what is missing.

    "changed" is a file that is not as it was recorded; `verify` tells whether that matters.
    "refused" is a wasmtime that is named and cannot be used, as `trouble` says. `note` is what is
    to be known of a part, `advisories` what was published against the wasmtime that is used.
    """

    name: str
    version: str
    state: Literal["ready", "missing", "changed", "superseded", "refused"]
    size: int
    path: Path
    note: str = ""
    advisories: tuple[Advisory, ...] = ()
    trouble: ToolchainError | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What `verify` found of one file; `difference` says what was expected and what is there."""

    name: str
    path: Path
    state: Literal["ok", "missing", "damaged"]
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """A toolchain that `remove` has removed: the identity of its pins, and the bytes freed."""

    identity: str
    size: int


def install(
    home: Path,
    flavours: Iterable[Flavour] = ("core",),
    *,
    progress: Progress,
    sources: ToolchainSources | None = None,
) -> list[Part]:
    """Make the toolchain whole: hash every file, make again what is damaged or missing.

    Raises `ToolchainError` when a part cannot be fetched, prepared or written.
    """
    sources = sources or ToolchainSources()
    layout = layout_of(home, sources)
    with builder(layout, progress, sources, thorough=True) as work:
        wanted = set(flavours)
        if named_wasmtime(sources.environ) is None:
            mine = work.known.chosen.sha256 if work.known.chosen else ""
            there = work.known.files
            wanted |= {flavour for flavour in FLAVOURS if compiled(flavour, mine) in there}
        work.stock()
        for flavour in FLAVOURS:
            if flavour in wanted:
                work.make(flavour)
        work.drop_damaged()
    return list_parts(home, sources=sources)


def verify(home: Path, *, sources: ToolchainSources | None = None) -> list[Finding]:
    """Hash every file of the toolchain; what is pinned against its pin, the rest by the record.

    Raises `ToolchainError` when a file is there and cannot be read.
    """
    sources = sources or ToolchainSources()
    layout, known, pinned, used = _looked_at(home, sources)
    return [_finding(layout, file) for file in inventory.expected(known, pinned, used, sources)]


def list_parts(home: Path, *, sources: ToolchainSources | None = None) -> list[Part]:
    """Return what there is of this toolchain, and the toolchains of older pins beside it."""
    sources = sources or ToolchainSources()
    layout, known, pinned, used = _looked_at(home, sources)
    files_ = inventory.expected(known, pinned, used, sources)
    parts = [_part(layout, known, file) for file in files_]
    if used is not None:
        if used.origin == "named":
            parts.insert(0, _named(used))
        parts = [_told(part, used, pinned, sources) for part in parts]
    there = {part.name for part in parts}
    mine = used.sha256 if used is not None else ""
    for flavour in _LISTED:
        if (label := f"compiled {flavour}") not in there:
            path = layout.root / compiled(flavour, mine)
            parts.append(Part(label, "", "missing", 0, path))
    for other in sorted(layout.base.glob("*/record.json")):
        if other.parent != layout.root:
            name = other.parent.name
            size = sum(files.sizes(other.parent))
            parts.append(Part("toolchain", name, "superseded", size, other.parent))
    return parts


def remove(home: Path, *, progress: Progress) -> list[Removed]:
    """Remove every toolchain in `home`, of these pins and of older ones; return what is gone.

    The folders are moved aside first, so that nobody ever sees half of one. Raises
    `ToolchainError` when they cannot be.
    """
    base = home / "toolchain"
    if not base.is_dir():
        return []
    gone = []
    with files.writing(base), locked(base / "lock", progress):
        for number, folder in enumerate(sorted(base.iterdir())):
            if folder.name == "lock":
                continue
            aside = base / f"{REMOVED}{os.getpid()}-{number}"
            folder.rename(aside)
            gone.append(Removed(folder.name, sum(files.sizes(aside))))
            files.delete(aside)
    return gone


def _looked_at(
    home: Path, sources: ToolchainSources
) -> tuple[Layout, FileIndex, pins.Pins, Program | None]:
    layout = layout_of(home, sources)
    known = file_index.read(layout.record) or file_index.FileIndex()
    pinned = pins.load(sources.pins)
    return layout, known, pinned, program_in_use(layout, known, pinned, sources)


def _named(used: Program) -> Part:
    try:
        size = used.path.stat().st_size
    except OSError:
        size = 0
    state: Literal["ready", "refused"] = "refused" if used.trouble else "ready"
    return Part(inventory.IN_USE, used.version, state, size, used.path, trouble=used.trouble)


def _told(part: Part, used: Program, pinned: pins.Pins, sources: ToolchainSources) -> Part:
    """Return the part with what is to be known of it, if it is the program that is used."""
    if part.name != inventory.IN_USE:
        return part
    instead = f"in place of the pinned {pinned.wasmtime.reports}"
    note = {
        "pinned": "the pinned one",
        "installed": f"installed from a file, {instead}",
        "named": f"named by {WASMTIME_VARIABLE}, {instead}",
    }[used.origin]
    if used.trouble:
        return replace(part, note=f"{note}; it cannot be used: {used.trouble.message}")
    found = wasmtime_vetting.concerning(used.version, sources)
    return replace(part, note=note, advisories=tuple(found))


def _finding(layout: Layout, file: inventory.Expected) -> Finding:
    path = layout.root / file.name
    if not path.exists():
        return Finding(file.label, path, "missing")
    with files.reading(path):
        wrong = verify_hash.difference(path, file.size, file.sha256)
    return Finding(file.label, path, "damaged" if wrong else "ok", wrong or "")


def _part(layout: Layout, known: FileIndex, file: inventory.Expected) -> Part:
    path = layout.root / file.name
    state: Literal["ready", "missing", "changed"]
    try:
        size = path.stat().st_size
    except OSError:
        size, state = 0, "missing"
    else:
        recorded = file.name in known.files
        state = "ready" if recorded and unchanged(layout, known, file.name) else "changed"
    return Part(file.label, file.version, state, size, path, file.note)
