"""Pages of a state in memory: their bytes lie in few large pieces, which the system gets back."""

from __future__ import annotations

from capsule import anonymous_memory
from capsule.snapshot.changed_pages import PageRun

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
    there = memoryview(anonymous_memory.reserve(length))
    return there[: file.readinto(there)]


class KeptPages:
    """Runs of pages, in order. `pieces` are the same bytes, without what lies between runs.

    >>> kept = KeptPages()
    >>> kept.add(1 << 24, bytes(4096)); kept.add((1 << 24) + 4096, bytes(4096))
    >>> [(run.offset, len(run.data)) for run in kept], kept.size
    ([(16777216, 8192)], 8192)
    """

    def __init__(self) -> None:
        self._pieces: list[memoryview] = []
        # By their offset in memory: in which piece they are, where they begin and end there.
        self._runs: list[tuple[int, int, int, int]] = []
        # How much of the last piece is filled.
        self._filled = 0
        self.size = 0

    def __repr__(self) -> str:
        return f"<KeptPages of {self.size:,} bytes>"

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[PageRun]:
        for offset, piece, begin, end in self._runs:
            yield PageRun(offset, self._pieces[piece][begin:end])

    def reserve(self, size: int) -> None:
        """Have room for so many bytes more, which are filled at once."""
        if size:
            self._begin(size, at_once=True)

    def add(self, offset: int, pages: bytes | memoryview) -> None:
        """Add pages, behind those that are there."""
        size = len(pages)
        if not self._pieces or self._filled + size > len(self._pieces[-1]):
            self._begin(max(size, _PIECE))
        piece, at = len(self._pieces) - 1, self._filled
        self._filled += size
        self._pieces[piece][at : self._filled] = pages
        self.size += size
        if self._runs:
            first, of, begin, end = self._runs[-1]
            if of == piece and first + end - begin == offset:
                self._runs[-1] = first, of, begin, self._filled
                return
        self._runs.append((offset, piece, at, self._filled))

    @property
    def pieces(self) -> Sequence[memoryview]:
        """All bytes, one after the other."""
        if not self._pieces:
            return ()
        *full, last = self._pieces
        return (*full, last[: self._filled])

    def _begin(self, size: int, *, at_once: bool = False) -> None:
        self._pieces[-1:] = [piece[: self._filled] for piece in self._pieces[-1:]]
        self._pieces.append(memoryview(anonymous_memory.reserve(size, at_once=at_once)))
        self._filled = 0
