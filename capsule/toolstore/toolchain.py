"""A toolchain that is ready, as its record has it: what every start of capsule looks at.

This module and what it imports stay light: opening a toolchain that is there takes under 1 ms.
"""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.toolstore.digests import edition, short_id
from capsule.toolstore.file_index import signature
from capsule.toolstore.flavours import FLAVOURS, standing_in
from capsule.toolstore.layout import (
    STDLIB,
    WASMTIME,
    Layout,
    compiled,
    installed_wasmtime,
    named_wasmtime,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.flavours import Flavour


class Toolchain(NamedTuple):
    """What a sandbox process is started from.

    `interpreter` is the compiled module and `stdlib` the folder that holds `python315.zip`. It
    has all that `flavour` has, and may have more; what a task can import is that of `flavour`.
    `identity` stands for exactly this compiled interpreter and wasmtime on this machine;
    `portable` for the interpreter's and library's own bytes, the same on every machine.
    """

    root: Path
    wasmtime: Path
    stdlib: Path
    interpreter: Path
    flavour: Flavour
    identity: str
    portable: str


def used(known: FileIndex, flavour: Flavour, environ: Mapping[str, str]) -> list[str] | None:
    """Return the names of the store's files that a run of `flavour` uses.

    None when `CAPSULE_WASMTIME` names a binary that is not known, or not as it is now.
    """
    named = named_wasmtime(environ)
    if named is None:
        if (chosen := known.chosen) is None:
            return [WASMTIME, STDLIB, _there(known, flavour, "")]
        mine = chosen.sha256
        return [installed_wasmtime(mine), STDLIB, _there(known, flavour, mine)]
    binary = known.binaries.get(str(named))
    try:
        if binary is None or signature(named) != binary.signature:
            return None
    except OSError:
        return None
    return [STDLIB, _there(known, flavour, binary.sha256)]


def _there(known: FileIndex, flavour: Flavour, binary: str) -> str:
    """Return the compiled interpreter to use: a larger one where that is there, and not its own.

    `toolchain install --science` leaves nothing to compile then, and the disk has no more than it
    has to.
    """
    names = [compiled(each, binary) for each in standing_in(flavour)]
    return next((name for name in names if name in known.files), names[0])


def assemble(
    layout: Layout, known: FileIndex, flavour: Flavour, environ: Mapping[str, str]
) -> Toolchain | None:
    """Return the toolchain of a record, None when it lacks a part; the files are not looked at."""
    names = used(known, flavour, environ)
    if names is None or not known.files.keys() >= set(names):
        return None
    if named := named_wasmtime(environ):
        wasmtime, sha256 = named, known.binaries[str(named)].sha256
    else:
        wasmtime, sha256 = layout.root / names[0], known.files[names[0]].sha256
    interpreter = names[-1]
    content = (layout.identity, sha256, known.files[interpreter].sha256)
    return Toolchain(
        root=layout.root,
        wasmtime=wasmtime,
        stdlib=(layout.root / STDLIB).parent,
        interpreter=layout.root / interpreter,
        flavour=flavour,
        identity=short_id(*(part.encode() for part in content)),
        portable=known.interpreter,
    )


def compiled_flavour(toolchain: Toolchain) -> Flavour:
    """Return which flavour the compiled interpreter of a toolchain is."""
    name = toolchain.interpreter.name
    return next(each for each in FLAVOURS if name.partition(".")[0].partition("-")[0] == each)


def vetted(known: FileIndex, advisories: Path, environ: Mapping[str, str]) -> bool:
    """Say whether the program in use was held against these advisories, or needs not to be.

    The pinned one needs not to be: nobody has chosen it, so there is nothing to refuse.
    """
    if known.chosen is None and named_wasmtime(environ) is None:
        return True
    return known.advisories == edition(advisories)


def unchanged(layout: Layout, known: FileIndex, name: str) -> bool:
    """Say whether a recorded file is still the one that was hashed, by its signature."""
    try:
        return signature(layout.root / name) == known.files[name].signature
    except OSError:
        return False
