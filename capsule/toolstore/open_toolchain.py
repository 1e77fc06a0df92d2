"""The door to the toolchain: ready at once where it is there, prepared where it is not."""

from __future__ import annotations

from capsule import state_folder
from capsule.toolstore import file_index
from capsule.toolstore.digests import identity
from capsule.toolstore.layout import Layout
from capsule.toolstore.sources import ToolchainSources
from capsule.toolstore.toolchain import Toolchain, assemble, unchanged, used, vetted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.progress import Progress
    from capsule.toolstore.flavours import Flavour


def layout_of(home: Path, sources: ToolchainSources) -> Layout:
    """Return where the toolchain of these pins lies below `home`."""
    return Layout(home / "toolchain", identity(sources.pins))


def open_toolchain(
    home: Path,
    flavour: Flavour = "core",
    *,
    progress: Progress,
    sources: ToolchainSources | None = None,
) -> Toolchain:
    """Return the toolchain in `home`; download, check and compile first what is missing.

    A file that is not what it was is never used and never silently replaced: `ToolchainError`
    names it. It is raised as well when a part cannot be fetched, prepared or written, or somebody
    else could have written what is there.
    """
    sources = sources or ToolchainSources()
    layout = layout_of(home, sources)
    state_folder.check(home)
    known = file_index.read(layout.record)
    if known is not None and vetted(known, sources.advisories, sources.environ):
        names = used(known, flavour, sources.environ)
        found = assemble(layout, known, flavour, sources.environ)
        if found and names and all(unchanged(layout, known, name) for name in names):
            return found
    from capsule.toolstore.prepare import settle  # costs 30 ms to import, and is seldom needed

    return settle(layout, flavour, progress, sources)


def recompile(
    home: Path, refused: Toolchain, *, progress: Progress, sources: ToolchainSources | None = None
) -> Toolchain:
    """Compile the interpreter again, for when wasmtime refuses the file on this processor.

    `refused` is the toolchain that did not run; when another process has replaced it since, its
    work is returned. Raises `ToolchainError` as `open_toolchain` does.
    """
    from capsule.toolstore.prepare import renew

    sources = sources or ToolchainSources()
    return renew(layout_of(home, sources), refused, progress, sources)
