"""What changed in the interpreter's memory, as runs of pages."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

PAGE = 4096
# The C stack lies below this address, and nothing else does. It is empty when no code runs, so
# that what stands there then is of nobody: a test reads the pinned interpreter and compares.
STACK_TOP = 16 << 20
# How much of memory a snapshot reaches over, from there on, besides what changed in it: wasmtime
# takes three times that to compile it, and a second for 128 MB.
MAX_UNCHANGED = 128 << 20
# And in all.
MAX_REACH = 384 << 20
_ZERO = bytes(PAGE)


class PageRun(NamedTuple):
    """Neighbouring pages: where they start in memory, and their bytes."""

    offset: int
    data: bytes | memoryview


def farthest(changed: int) -> int:
    """Return the address up to which a snapshot may reach in which so many bytes have changed.

    >>> farthest(1 << 20) >> 20
    145
    """
    return STACK_TOP + min(MAX_UNCHANGED + changed, MAX_REACH)


class Comparison:
    """Compares memory, as it comes, with what it was `before`; keeps only what changed.

    Memory behind the end of `before` was zero. What lies below `start` is of no interest.

    >>> page = b"x" * PAGE
    >>> comparison = Comparison(page * 2, start=0)
    >>> comparison.feed(page + bytes(PAGE) + page)
    >>> [(run.offset, len(run.data)) for run in comparison.runs()]
    [(4096, 8192)]
    """

    def __init__(self, before: bytes | memoryview, start: int = STACK_TOP) -> None:
        self.size = 0
        self._start = start
        self.changed = 0
        self._before = memoryview(before)
        self._partial = bytearray()
        self._runs: list[tuple[int, bytearray]] = []

    def __repr__(self) -> str:
        return f"<Comparison of {self.size} bytes, {self.changed} changed>"

    @property
    def pieces(self) -> int:
        """How many runs of pages there are so far."""
        return len(self._runs)

    @property
    def reach(self) -> int:
        """The address behind the last page that changed so far."""
        if not self._runs:
            return self._start
        offset, data = self._runs[-1]
        return offset + len(data)

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes of memory."""
        if self._partial or len(data) % PAGE:
            self._partial += data
            whole = len(self._partial) - len(self._partial) % PAGE
            data = bytes(self._partial[:whole])
            del self._partial[:whole]
        view, before, at = memoryview(data), self._before, self.size
        for start in range(0, len(view), PAGE):
            # Views are compared byte by byte, which takes 70 times as long.
            page = bytes(view[start : start + PAGE])
            if at >= self._start and page != (
                bytes(before[at : at + PAGE]) if at < len(before) else _ZERO
            ):
                self._keep(at, page)
            at += PAGE
        self.size = at

    def runs(self) -> list[PageRun]:
        """Return the pages that changed, neighbours joined, and let go of them."""
        runs = []
        for offset, data in self._runs:
            runs.append(PageRun(offset, bytes(data)))
            data.clear()
        return runs

    def _keep(self, at: int, page: bytes) -> None:
        self.changed += PAGE
        if self._runs:
            offset, data = self._runs[-1]
            if offset + len(data) == at:
                data += page
                return
        self._runs.append((at, bytearray(page)))
