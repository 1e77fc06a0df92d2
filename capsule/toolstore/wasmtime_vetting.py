"""Programs that are used in place of the pinned one are held against the advisories of today.

What was accepted once is looked at again when capsule knows of other advisories than it did then.
"""

from __future__ import annotations

from capsule.errors import ToolchainError
from capsule.toolstore import advisories, platform_tag
from capsule.toolstore.digests import edition
from capsule.toolstore.layout import WASMTIME_VARIABLE, named_wasmtime
from capsule.toolstore.toolchain import vetted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.sources import ToolchainSources

INSTALLED = "the program that `capsule toolchain install --wasmtime` installed"
BACK = "capsule toolchain install --wasmtime FILE, or: capsule toolchain install --wasmtime pinned"


def concerning(version: str, sources: ToolchainSources) -> list[advisories.Advisory]:
    """Return the advisories that concern a version on this machine.

    Raises `ToolchainError` when they cannot be read.
    """
    machine = sources.machine or platform_tag.detect()
    return advisories.concerning(advisories.load(sources.advisories), version, machine)


def named(path: Path | str) -> str:
    """Return how messages begin that are about the program in `CAPSULE_WASMTIME`."""
    return f"{WASMTIME_VARIABLE} names {path}, which"


def admit(version: str, who: str, sources: ToolchainSources) -> str:
    """Return what is to be told of a program of this version, empty where there is nothing.

    Raises `ToolchainError` where it is unsafe here; `who` is as for `advisories.refuse`.
    """
    found = concerning(version, sources)
    advisories.refuse(found, version, who)
    if not found:
        return ""
    count = "1 advisory is" if len(found) == 1 else f"{len(found)} advisories are"
    return (
        f"{who} is wasmtime {version}: {count} known,"
        " none of which is unsafe here: capsule toolchain list"
    )


def vet(known: FileIndex, sources: ToolchainSources) -> None:
    """Hold what `known` has accepted against the advisories of today, and note that in it.

    Raises `ToolchainError` when the program in use is unsafe.
    """
    if vetted(known, sources.advisories, sources.environ):
        return
    asked = named_wasmtime(sources.environ)
    whole = True
    for path, binary in list(known.binaries.items()):
        try:
            admit(binary.version, named(path), sources)
        except ToolchainError:
            del known.binaries[path]
            if path == str(asked):
                raise
    if known.chosen is not None:
        try:
            admit(known.chosen.version, INSTALLED, sources)
        except ToolchainError as error:
            if asked is None:
                raise ToolchainError(error.message, hint=f"{error.hint}: {BACK}") from None
            whole = False
    if whole:
        known.advisories = edition(sources.advisories)
