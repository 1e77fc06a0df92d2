"""Which pages of memory differ from those that a session began with, as they come."""

from __future__ import annotations

from capsule.errors import WireError
from capsule.sessions.kept_pages import KeptPages
from capsule.snapshot.changed_pages import PAGE, STACK_TOP

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

    def take(self, address: int, data: bytes) -> None:
        """Take pages that were written, behind those before; others are as they were."""
        self._at = address
        self._compare(data, written=True)

    def finish(self) -> KeptPages:
        """Return the pages that differ."""
        if self._waiting:
            raise WireError("its memory ends in the middle of a page")
        return self._kept

    def _compare(self, piece: bytes, *, written: bool = False) -> None:
        before = self._before(self._at, len(piece))
        # Most are a page alone, which is compared once and not copied.
        if len(piece) == PAGE and piece != before:
            self._keep(self._at, piece)
        elif piece != before or written:
            for begin in range(0, len(piece), PAGE):
                page = piece[begin : begin + PAGE]
                if page != before[begin : begin + PAGE]:
                    self._keep(self._at + begin, page)
                elif written and len(self.same) < _MOST_SAME:
                    self.same.append(self._at + begin)
        self._at += len(piece)

    def _keep(self, at: int, page: bytes) -> None:
        if self._kept.size + len(page) > self._most:
            raise WireError(f"its state would be larger than {self._most >> 20} MB")
        self._kept.add(at, page)
