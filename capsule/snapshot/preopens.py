"""The list of mounted folders that the guest's C library keeps, and how a snapshot forgets it.

The library asks for the list once, at the first use of a file, and keeps it in memory; frozen, it
would hold for the folders of the snapshot's own run only. A snapshot in which the list is as it
was at the start makes each run ask again, so that one snapshot serves every list of folders.
"""

from __future__ import annotations

from capsule.snapshot.changed_pages import PageRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Four words: how many folders, where their list is, whether it was filled (a byte), how many it has
# room for. `__wasilibc_reset_preopens` of the pinned interpreter writes them; a test reads that
# function and compares.
ADDRESS = 28058724
SIZE = 16


def forgotten(runs: Iterable[PageRun]) -> list[PageRun]:
    """Return `runs` with the list as it is before the first use of a file: all zero.

    >>> run = PageRun(ADDRESS - 2, b"x" * 20)
    >>> forgotten([run])[0].data.count(b"x")
    4
    """
    return [_without(run) for run in runs]


def forget(runs: Iterable[PageRun]) -> None:
    """Do so where the runs are, which can be written.

    >>> data = memoryview(bytearray(b"x" * 20))
    >>> forget([PageRun(ADDRESS - 2, data)])
    >>> bytes(data).count(b"x")
    4
    """
    for run in runs:
        first, last = _within(run)
        if first < last:
            memoryview(run.data)[first:last] = bytes(last - first)


def _without(run: PageRun) -> PageRun:
    first, last = _within(run)
    if first >= last:
        return run
    data = b"".join((run.data[:first], bytes(last - first), run.data[last:]))
    return PageRun(run.offset, data)


def _within(run: PageRun) -> tuple[int, int]:
    """Return where in a run the list begins and ends: the same place where it is not in it."""
    at = ADDRESS - run.offset
    first = min(max(at, 0), len(run.data))
    return first, max(first, min(at + SIZE, len(run.data)))
