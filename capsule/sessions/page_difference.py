"""Which pages of memory differ from those that a session began with, as they come."""

from __future__ import annotations

from capsule.errors import WireError
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


# Two megabytes.
_MOST_SAME = 512


class PageDifference:
    """Takes memory from `STACK_TOP` on, and keeps the pages that `before` has not so.

    `before` gives bytes by address and length. At most `most` bytes are kept.

    >>> found = PageDifference(lambda address, length: bytes(length), 1 << 20)
    >>> found.feed(bytes(PAGE) + b"x" * PAGE)
    >>> [(run.offset - STACK_TOP, len(run.data)) for run in found.finish()]
    [(4096, 4096)]
    """

    def __init__(self, before: Callable[[int, int], bytes], most: int) -> None:
        self._before, self._most = before, most
        self._waiting = b""
        self._at = STACK_TOP
        # All that is kept, in one piece: each place in memory that is new to this program costs
        # more than the bytes that are copied there.
        self._body = bytearray()
        # By their offset in memory and where they begin in that.
        self._runs: list[tuple[int, int]] = []
        self._end = -1
        # Of what was written: where pages are that are as before all the same.
        self.same: list[int] = []

    def __repr__(self) -> str:
        return f"<PageDifference up to {self._at:,}, {len(self._body):,} bytes differ>"

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

    def take(self, address: int, data: bytes) -> None:
        """Take pages that were written, behind those before; others are as they were."""
        self._at = address
        self._compare(data, written=True)

    def finish(self) -> list[PageRun]:
        """Return the runs of pages that differ, in order."""
        if self._waiting:
            raise WireError("its memory ends in the middle of a page")
        body = memoryview(self._body)
        ends = [begin for _, begin in self._runs] + [len(body)]
        return [
            PageRun(offset, body[begin:end])
            for (offset, begin), end in zip(self._runs, ends[1:], strict=True)
        ]

    def _compare(self, piece: bytes, *, written: bool = False) -> None:
        before = self._before(self._at, len(piece))
        if piece != before or written:
            for begin in range(0, len(piece), PAGE):
                page = piece[begin : begin + PAGE]
                if page != before[begin : begin + PAGE]:
                    self._keep(self._at + begin, page)
                elif written and len(self.same) < _MOST_SAME:
                    self.same.append(self._at + begin)
        self._at += len(piece)

    def _keep(self, at: int, page: bytes) -> None:
        if len(self._body) + len(page) > self._most:
            raise WireError(f"its state would be larger than {self._most >> 20} MB")
        if at != self._end:
            self._runs.append((at, len(self._body)))
        self._body += page
        self._end = at + len(page)
