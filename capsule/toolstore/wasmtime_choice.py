"""Install a wasmtime from a file, to be used in place of the pinned one, and go back."""

from __future__ import annotations

from capsule.toolstore import manage
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.prepare import builder
from capsule.toolstore.sources import ToolchainSources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from capsule.progress import Progress
    from capsule.toolstore.flavours import Flavour


def choose(  # noqa: PLR0913 - what `install` takes, and what is new
    home: Path,
    file: Path | None,
    flavours: Iterable[Flavour] = ("core",),
    *,
    progress: Progress,
    trial: Callable[[], None] = lambda: None,
    sources: ToolchainSources | None = None,
) -> list[manage.Part]:
    """Use the program in `file` from now on, the pinned one for None, and make the toolchain whole.

    `trial` runs something with it. Where that raises, or anything else fails, the program that was
    used before is used again. Raises `ToolchainError` when it cannot be used here.
    """
    sources = sources or ToolchainSources()
    layout = layout_of(home, sources)
    with builder(layout, progress, sources) as work:
        before = work.known.chosen
        work.choose(file)
    try:
        manage.install(home, flavours, progress=progress, sources=sources)
        trial()
    except BaseException:
        with builder(layout, progress, sources) as work:
            work.known.chosen = before
            work.drop_unused()
        raise
    with builder(layout, progress, sources) as work:
        work.drop_unused()
    return manage.list_parts(home, sources=sources)
