"""Pages of a state in memory: their bytes lie in few large pieces, which the system gets back."""

from __future__ import annotations

import mmap

from capsule.snapshot.changed_pages import PAGE, PageRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedReader

# What Python's own memory is given back later, or never: a program with many sessions would have
# all that each of them had once.
_PIECE = 1 << 20


def read_large(file: BufferedReader, length: int) -> memoryview:
    """Read so many bytes, or fewer at the end of the file, into memory of the system's own."""
    if not length:
        return memoryview(b"")
    there = memoryview(mmap.mmap(-1, length))
    return there[: file.readinto(there)]


class KeptPages:
    """Runs of pages, in order. `pieces` are the same bytes, without what lies between runs.

    >>> kept = KeptPages()
    >>> kept.add(1 << 24, bytes(PAGE)); kept.add((1 << 24) + PAGE, bytes(PAGE))
    >>> [(run.offset, len(run.data)) for run in kept], kept.size
    ([(16777216, 8192)], 8192)
    """

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []
        # By their offset in memory: in which piece they are, where they begin and end there.
        self._runs: list[tuple[int, int, int, int]] = []
        self._room = 0
        self.size = 0

    def __repr__(self) -> str:
        return f"<KeptPages of {self.size:,} bytes>"

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[PageRun]:
        for offset, piece, begin, end in self._runs:
            yield PageRun(offset, self._pieces[piece][begin:end])

    def add(self, offset: int, page: bytes) -> None:
        """Add a page, behind those that are there."""
        if not self._room:
            self._pieces.append(memoryview(mmap.mmap(-1, _PIECE)))
            self._room = _PIECE
        piece, at = len(self._pieces) - 1, _PIECE - self._room
        self._pieces[piece][at : at + PAGE] = page
        self._room -= PAGE
        self.size += PAGE
        if self._runs:
            first, of, begin, end = self._runs[-1]
            if of == piece and first + end - begin == offset:
                self._runs[-1] = first, of, begin, at + PAGE
                return
        self._runs.append((offset, piece, at, at + PAGE))

    @property
    def pieces(self) -> Sequence[memoryview]:
        """All bytes, one after the other."""
        if not self._pieces:
            return ()
        *full, last = self._pieces
        return (*full, last[: _PIECE - self._room])
