"""The memory that a run begins with, as a module of its own: nothing of it is copied at a start.

wasmtime maps a module's data into its memory right out of the compiled file, and the system copies
a page when it is written. It does so for data that is in one piece, from a constant place.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from capsule import wasm
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, farthest
from capsule.toolstore import files
from capsule.toolstore.compile import compile_file
from capsule.toolstore.flavours import PLAIN
from capsule.toolstore.import_memory import NAME
from capsule.wasm import MalformedModuleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from capsule.snapshot.changed_pages import PageRun
    from capsule.toolstore.run_program import Watch

# Files are looked through in pieces of this size; those of zeros become holes.
_PIECE = 1 << 14
_ZERO = bytes(_PIECE)
_MOST = 1 << 32


class Image:
    """Memory of `size` bytes: `initial` at its beginning, and `pages` in place of what was there.

    Raises `MalformedModuleError` for pages that are not in order, or not in what a snapshot holds.
    """

    def __init__(
        self, initial: bytes | bytearray, pages: Sequence[PageRun] = (), size: int | None = None
    ) -> None:
        self.size = len(initial) if size is None else size
        self._initial, self._pages = memoryview(initial), pages
        if self.size % wasm.PAGE or not max(len(initial), STACK_TOP) <= self.size <= _MOST:
            raise MalformedModuleError(f"no snapshot has a memory of {self.size:,} bytes")
        most = min(self.size, farthest(sum(len(run.data) for run in pages)))
        end = STACK_TOP
        for run in pages:
            if run.offset < end or run.offset + len(run.data) > most:
                raise MalformedModuleError(
                    f"{len(run.data):,} bytes at {run.offset:,} are not in the memory that a"
                    " snapshot holds"
                )
            end = run.offset + len(run.data)
        # What lies behind is zero, and takes time to compile.
        self._end = max(end, _used(self._initial))

    def __repr__(self) -> str:
        return f"<Image of {self.size:,} bytes, {len(self._pages)} runs of pages>"

    def write(self, file: BinaryIO) -> None:
        """Write the module to an empty file, with holes where the memory is zero."""
        limits = b"\x00" + wasm.uleb(self.size // wasm.PAGE)
        length = self._end - STACK_TOP
        # One segment: its kind and place, then its length.
        head = wasm.uleb(1) + b"\x00\x41" + wasm.sleb(STACK_TOP) + b"\x0b" + wasm.uleb(length)
        exported = wasm.name(NAME) + b"\x02\x00"
        file.write(
            wasm.HEADER
            + wasm.section(wasm.MEMORY, wasm.vector([limits]))
            + wasm.section(wasm.EXPORT, wasm.vector([exported]))
            + bytes([wasm.DATA])
            + wasm.uleb(len(head) + length)
            + head
        )
        begin = file.tell() - STACK_TOP
        for at, data in self._parts():
            write_sparse(file, begin + at, data)
        file.truncate(begin + self._end)

    def _parts(self) -> Iterator[tuple[int, memoryview]]:
        at = STACK_TOP
        for run in self._pages:
            yield at, self._initial[at : run.offset]
            yield run.offset, memoryview(run.data)
            at = run.offset + len(run.data)
        yield at, self._initial[at:]


def _used(memory: memoryview) -> int:
    """Return where the last page that is not zero ends."""
    at = len(memory)
    while at > STACK_TOP and bytes(memory[at - PAGE : at]) == _ZERO[:PAGE]:
        at -= PAGE
    return max(at, STACK_TOP)


def compile_image(
    wasmtime: Path, image: Image, target: Path, watch: Watch | None = None, *, codegen: str = PLAIN
) -> None:
    """Compile an image into the new file `target`, which has holes where the memory is zero.

    `watch` is called while it goes on, and can end it by raising. `codegen` is that of the
    interpreter that the memory is for. Raises `ToolchainError`.
    """
    with files.writing(target.parent), tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        source, compiled = Path(scratch, "image.wasm"), Path(scratch, target.name)
        with source.open("wb") as file:
            image.write(file)
        compile_file(wasmtime, source, compiled, watch, codegen=codegen)
        target.touch(mode=0o600)
        with compiled.open("rb") as dense, target.open("wb") as sparse:
            at = 0
            while data := dense.read(1 << 20):
                write_sparse(sparse, at, data)
                at += len(data)
            sparse.truncate(at)


def write_sparse(file: BinaryIO, at: int, data: bytes | bytearray | memoryview) -> None:
    """Write to a new file what of `data` is not zero, from `at` on; whoever calls sets its end."""
    view = memoryview(data)
    for begin in range(0, len(view), _PIECE):
        # Views are compared byte by byte, which takes 70 times as long.
        piece = bytes(view[begin : begin + _PIECE])
        if piece != _ZERO[: len(piece)]:
            file.seek(at + begin)
            file.write(piece)
