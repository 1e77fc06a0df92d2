"""Which pages of memory differ from those that a session began with, as they come."""

from __future__ import annotations

from capsule.errors import WireError
from capsule.sessions.kept_pages import KeptPages
from capsule.snapshot.changed_pages import PAGE, STACK_TOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Iterator, Sequence

    from capsule.snapshot.image_contents import Bytes


# Two megabytes.
_MOST_SAME = 512
# What lies between two runs is read with them up to here, in bytes: a call of the system takes as
# long as to copy so much.
_GAP = 2 * PAGE
# How much is read together, in bytes; runs that are longer are read for themselves.
TOGETHER = 16 * PAGE


class PageDifference:
    """Takes memory from `STACK_TOP` on, and keeps the pages that `before` has not so.

    `before` gives bytes by address and length, until it is called again. At most `most` bytes are
    kept.

    >>> found = PageDifference(lambda address, length: bytes(length), 1 << 20)
    >>> found.feed(bytes(PAGE) + b"x" * PAGE)
    >>> [(run.offset - STACK_TOP, len(run.data)) for run in found.finish()]
    [(4096, 4096)]
    """

    def __init__(self, before: Callable[[int, int], Bytes], most: int) -> None:
        self._before, self._most = before, most
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
        differing: list[tuple[int, int, int]] = []
        size = at = 0
        for near in _near(runs):
            first = near[0][0]
            before = self._before(first, sum(near[-1]) - first)
            for address, length in near:
                for place in range(address, address + length, PAGE):
                    old = place - first
                    if there[at : at + PAGE] == before[old : old + PAGE]:
                        if len(self.same) < _MOST_SAME:
                            self.same.append(place)
                    else:
                        size += PAGE
                        last = differing[-1] if differing else (0, 0, 0)
                        if last[0] + last[2] - last[1] == place:
                            differing[-1] = (*last[:2], at + PAGE)
                        else:
                            differing.append((place, at, at + PAGE))
                    at += PAGE
        self._check(size)
        self._kept.reserve(size)
        with memoryview(there) as pages:
            for address, begin, end in differing:
                self._kept.add(address, pages[begin:end])

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


def _near(runs: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Return runs, those together that lie so near that they are read by one call.

    >>> list(_near([(0, PAGE), (3 * PAGE, PAGE), (14 * PAGE, PAGE)]))
    [[(0, 4096), (12288, 4096)], [(57344, 4096)]]
    """
    near: list[tuple[int, int]] = []
    first = end = 0
    for address, length in runs:
        if near and (address - end > _GAP or address + length - first > TOGETHER):
            yield near
            near = []
        if not near:
            first = address
        near.append((address, length))
        end = address + length
    if near:
        yield near
