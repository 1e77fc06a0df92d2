"""Look at a toolchain, repair it, remove it: the commands of `capsule toolchain`, unprinted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from capsule.toolstore import file_index, files, inventory, verify_hash
from capsule.toolstore.layout import FLAVOURS, REMOVED, compiled, named_wasmtime
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.prepare import builder
from capsule.toolstore.sources import ToolchainSources
from capsule.toolstore.toolchain import unchanged
from capsule.toolstore.toolchain_lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from capsule.progress import Progress
    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.layout import Flavour, Layout


@dataclass(frozen=True, slots=True)
class Part:
    """A row of `toolchain list`; `size` is in bytes, 0 for what is missing.

    "changed" is a file that is not as it was recorded; `verify` tells whether that matters.
    """

    name: str
    version: str
    state: Literal["ready", "missing", "changed", "superseded"]
    size: int
    path: Path


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
            wanted |= {flavour for flavour in FLAVOURS if compiled(flavour) in work.known.files}
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
    layout = layout_of(home, sources)
    known = file_index.read(layout.record) or file_index.FileIndex()
    return [_finding(layout, file) for file in inventory.expected(known, sources)]


def list_parts(home: Path, *, sources: ToolchainSources | None = None) -> list[Part]:
    """Return what there is of this toolchain, and the toolchains of older pins beside it."""
    sources = sources or ToolchainSources()
    layout = layout_of(home, sources)
    known = file_index.read(layout.record) or file_index.FileIndex()
    parts = [_part(layout, known, file) for file in inventory.expected(known, sources)]
    absent = [compiled(flavour) for flavour in FLAVOURS if compiled(flavour) not in known.files]
    parts += [Part(inventory.label(name), "", "missing", 0, layout.root / name) for name in absent]
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
    return Part(file.label, file.version, state, size, path)
