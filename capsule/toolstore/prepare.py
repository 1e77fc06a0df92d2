"""Prepare what a toolchain lacks: fetch, check, extract, strip, compile; each part whole, or not.

All of it happens under the lock. A part is put in its place in one step and recorded at once, so
a process that is killed, at any point, leaves the next one with less to do and nothing to undo.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress

from capsule import state_folder
from capsule.errors import ToolchainError
from capsule.toolstore import file_index, files, verify_hash, wasmtime_vetting
from capsule.toolstore.builder import Builder
from capsule.toolstore.layout import REMOVED, Layout
from capsule.toolstore.toolchain import Toolchain, assemble, compiled_flavour, unchanged, used
from capsule.toolstore.toolchain_lock import locked, locked_if_free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capsule.progress import Progress
    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.sources import ToolchainSources


def settle(
    layout: Layout, flavour: Flavour, progress: Progress, sources: ToolchainSources
) -> Toolchain:
    """Return the toolchain, preparing what is missing.

    Raises `ToolchainError` for a file that has changed, and when a part cannot be prepared.
    """
    known = file_index.read(layout.record) or file_index.FileIndex()
    found = _vouched(layout, known, flavour, sources.environ)
    if found is not None:
        wasmtime_vetting.vet(known, sources)
        _remember(layout, known)
        return found
    with builder(layout, progress, sources) as work:
        # Another process may have done it all while this one waited for the lock.
        found = _vouched(layout, work.known, flavour, sources.environ)
        if found is None:
            work.make(flavour)
        else:
            wasmtime_vetting.vet(work.known, sources)
            work.save()
        return found or _made(layout, work, flavour, sources)


def renew(
    layout: Layout, refused: Toolchain, progress: Progress, sources: ToolchainSources
) -> Toolchain:
    """Compile the interpreter of `refused` again, unless that was done since."""
    with builder(layout, progress, sources) as work:
        current = assemble(layout, work.known, refused.flavour, sources.environ)
        if current is not None and current.identity != refused.identity:
            return current
        work.make(compiled_flavour(refused), anew=True)
        # What else was compiled is for another processor just as much.
        work.drop_compiled(refused.interpreter.name)
        return _made(layout, work, refused.flavour, sources)


@contextmanager
def builder(
    layout: Layout, progress: Progress, sources: ToolchainSources, *, thorough: bool = False
) -> Iterator[Builder]:
    """Hold the lock, with the leftovers of killed processes swept away.

    `thorough` is for a builder that takes no signature's word and hashes every file.
    """
    state_folder.check(layout.base.parent)
    with files.writing(layout.base):
        files.make_private(layout.base)
        with locked(layout.lock, progress):
            for leftover in layout.base.glob(f"{REMOVED}*"):
                files.delete(leftover)
            files.make_private(layout.root)
            files.delete(layout.staging)
            files.make_private(layout.staging)
            known = file_index.read(layout.record) or file_index.FileIndex()
            try:
                yield Builder(layout, sources, progress, known, thorough=thorough)
            finally:
                files.delete(layout.staging)


def _made(layout: Layout, work: Builder, flavour: Flavour, sources: ToolchainSources) -> Toolchain:
    found = assemble(layout, work.known, flavour, sources.environ)
    assert found is not None, "what was made is recorded"  # noqa: S101 - holds by construction
    return found


def _vouched(
    layout: Layout, known: FileIndex, flavour: Flavour, environ: Mapping[str, str]
) -> Toolchain | None:
    """Return the toolchain if every file that a run uses still has its recorded content.

    Files with another signature are hashed; those that prove the same are entered into `known`
    with the new one. None when something is missing. Raises `ToolchainError` for other content.
    """
    missing = False
    for name in used(known, flavour, environ) or ():
        entry = known.files.get(name)
        path = layout.root / name
        if entry is None or not path.exists():
            missing = True
        elif not unchanged(layout, known, name):
            with files.reading(path):
                seen = file_index.signature(path)
                wrong = verify_hash.difference(path, entry.size, entry.sha256)
            if wrong:
                raise ToolchainError(
                    f"{path} is not what was installed: {wrong}", hint=verify_hash.REPAIR
                )
            known.files[name] = entry._replace(signature=seen)
    return None if missing else assemble(layout, known, flavour, environ)


def _remember(layout: Layout, known: FileIndex) -> None:
    """Write new signatures down, if that can be done at once: a read-only home works without."""
    with suppress(OSError), locked_if_free(layout.lock) as held:
        current = file_index.read(layout.record)
        if held and current is not None:
            for name, entry in known.files.items():
                if name in current.files and current.files[name].sha256 == entry.sha256:
                    current.files[name] = entry
            if known.chosen == current.chosen:
                current.advisories = known.advisories
                current.binaries = {
                    path: binary
                    for path, binary in current.binaries.items()
                    if path in known.binaries
                }
            files.write_whole(layout.record, file_index.encode(current))
