"""What changed in the interpreter's memory, as runs of pages."""

from __future__ import annotations

from typing import NamedTuple

PAGE = 4096


class PageRun(NamedTuple):
    """Neighbouring pages: where they start in memory, and their bytes."""

    offset: int
    data: bytes


def changed(before: bytes, after: bytes) -> list[PageRun]:
    """Return the pages of `after` that differ from `before`, neighbours joined.

    Memory behind the end of `before` was zero. Both lengths are multiples of `PAGE`.

    >>> page = b"x" * PAGE
    >>> [(run.offset, len(run.data)) for run in changed(page * 2, page + bytes(PAGE) + page)]
    [(4096, 8192)]
    """
    zero = bytes(PAGE)
    view, known = memoryview(after), memoryview(before)
    runs: list[PageRun] = []
    start: int | None = None
    for at in range(0, len(after), PAGE):
        same = view[at : at + PAGE] == (known[at : at + PAGE] if at < len(before) else zero)
        if same and start is not None:
            runs.append(PageRun(start, bytes(view[start:at])))
            start = None
        elif not same and start is None:
            start = at
    if start is not None:
        runs.append(PageRun(start, bytes(view[start:])))
    return runs
