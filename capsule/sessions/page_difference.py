"""Which pages of memory differ from those that a session began with, as they come."""

from __future__ import annotations

from capsule.errors import WireError
from capsule.sessions.kept_pages import KeptPages
from capsule.snapshot.changed_pages import PAGE, STACK_TOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Container, Iterator, Sequence

    from capsule.snapshot.image_contents import Bytes


# Two megabytes.
_MOST_SAME = 512
# What lies between two pages is read with them up to here, in bytes: a call of the system takes as
# long as to copy so much.
_GAP = 2 * PAGE
# How much is read together, in bytes.
TOGETHER = 16 * PAGE


class PageDifference:
    """Takes memory from `STACK_TOP` on, and keeps the pages that `before` has not so.

    `before` gives bytes by address and length, until it is called again. At most `most` bytes are
    kept. Pages that `differed` already are kept as they are when they were written.

    >>> found = PageDifference(lambda address, length: bytes(length), 1 << 20)
    >>> found.feed(bytes(PAGE) + b"x" * PAGE)
    >>> [(run.offset - STACK_TOP, len(run.data)) for run in found.finish()]
    [(4096, 4096)]
    """

    def __init__(
        self,
        before: Callable[[int, int], Bytes],
        most: int,
        differed: Container[int] = (),
    ) -> None:
        self._before, self._most, self._differed = before, most, differed
        self._waiting = b""
        self._at = STACK_TOP
        self._kept = KeptPages()
        # Of what was written: where pages are that are as before all the same.
        self.same: list[int] = []

    def __repr__(self) -> str:
        return f"<PageDifference up to {self._at:,}, {self._kept.size:,} bytes differ>"

    @property
    def size(self) -> int:
        """How large the memory is, as far as it has come."""
        return self._at + len(self._waiting)

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises `WireError` where too much differs."""
        if self._waiting:
            data = self._waiting + data
        whole = len(data) - len(data) % PAGE
        self._waiting = data[whole:]
        if whole:
            self._compare(data[:whole])

    def take(self, runs: Sequence[tuple[int, int]], there: mmap.mmap | bytes) -> None:
        """Take runs of pages that were written, behind those before; others are as they were.

        Each is an address and a length, and their bytes lie in `there`, one run after the other.
        Raises `WireError` where too much differs.
        """
        kept: list[tuple[int, int]] = []
        unknown: list[tuple[int, int]] = []
        at = 0
        for address, length in runs:
            for place in range(address, address + length, PAGE):
                (kept if place in self._differed else unknown).append((place, at))
                at += PAGE
        for near in _near(unknown):
            first = near[0][0]
            before = self._before(first, near[-1][0] + PAGE - first)
            for page in near:
                place, at = page
                old = place - first
                if there[at : at + PAGE] != before[old : old + PAGE]:
                    kept.append(page)
                elif len(self.same) < _MOST_SAME:
                    self.same.append(place)
        self._check(len(kept) * PAGE)
        self._kept.reserve(len(kept) * PAGE)
        kept.sort()
        with memoryview(there) as pages:
            for place, begin, end in _joined(kept):
                self._kept.add(place, pages[begin:end])

    def finish(self) -> KeptPages:
        """Return the pages that differ."""
        if self._waiting:
            raise WireError("its memory ends in the middle of a page")
        return self._kept

    def _compare(self, piece: bytes) -> None:
        before = self._before(self._at, len(piece))
        if piece != before[: len(piece)]:
            for begin in range(0, len(piece), PAGE):
                page = piece[begin : begin + PAGE]
                if page != before[begin : begin + PAGE]:
                    self._check(PAGE)
                    self._kept.add(self._at + begin, page)
        self._at += len(piece)

    def _check(self, more: int) -> None:
        if self._kept.size + more > self._most:
            raise WireError(f"its state would be larger than {self._most >> 20} MB")


def _near(pages: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Return pages by address, those together that lie so near that they are read by one call.

    >>> list(_near([(0, 0), (3 * PAGE, PAGE), (16 * PAGE, 2 * PAGE)]))
    [[(0, 0), (12288, 4096)], [(65536, 8192)]]
    """
    near: list[tuple[int, int]] = []
    first = last = 0
    for page in pages:
        place = page[0]
        if near and (place - last > _GAP + PAGE or place + PAGE - first > TOGETHER):
            yield near
            near = []
        if not near:
            first = place
        near.append(page)
        last = place
    if near:
        yield near


def _joined(pages: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Return the runs that pages are, each by its address, its begin and its end.

    >>> list(_joined([(0, 0), (PAGE, PAGE), (4 * PAGE, 2 * PAGE)]))
    [(0, 0, 8192), (16384, 8192, 12288)]
    """
    first = begin = end = -1
    for place, at in pages:
        if at != end or place - first != at - begin:
            if end >= 0:
                yield first, begin, end
            first, begin = place, at
        end = at + PAGE
    if end >= 0:
        yield first, begin, end
