"""Which pages of a sandbox's memory were written, and what is in them: read while it waits.

Its memory is a private mapping of an image: a page that nobody wrote is the file's still, and the
kernel says so of each. Only Linux does, and only where `/proc` is as it is usually; where it is not
so, nothing is known, and the sandbox has to be asked.
"""

from __future__ import annotations

import os
import sys
from array import array
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of Linux: Documentation/admin-guide/mm/pagemap.rst.
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61
_ENTRY = 8
_LONGEST = 1 << 20
_PAGE = 4096
# Read at once: what lies between two runs of pages and is not longer than this comes along.
_AT_ONCE = 1 << 20


def written_pages(pid: int, image: Path, length: int) -> Iterator[tuple[int, bytes]] | None:
    """Return runs of pages that process `pid` has written, by their place behind `image`'s begin.

    `length` is how many bytes are looked at: those of the image, and what memory has grown by. None
    where the system does not tell. Each run is read when it is asked for; raises `OSError` or
    `ValueError` then where that fails.
    """
    if sys.platform != "linux" or os.sysconf("SC_PAGE_SIZE") != _PAGE:
        return None
    try:
        begin, mapped = _mapping(pid, image)
        return _read(pid, begin, min(mapped, length), length)
    except (OSError, ValueError):
        return None


def _mapping(pid: int, image: Path) -> tuple[int, int]:
    """Return where the image is mapped to be written, and how long that is."""
    inode = f"{image.stat().st_ino}"
    with open(f"/proc/{pid}/maps", "rb") as file:  # noqa: PTH123
        text = file.read(_LONGEST).decode("ascii", "replace")
    found = []
    for line in text.splitlines():
        place, rights, _, _, number, *_ = line.split(maxsplit=5)
        if rights == "rw-p" and number == inode:
            first, _, last = place.partition("-")
            found.append((int(first, 16), int(last, 16)))
    for (_, end), (begin, _) in pairwise(found):
        if end != begin:
            raise ValueError("it is mapped twice")
    if not found:
        raise ValueError("it is not mapped")
    return found[0][0], found[-1][1] - found[0][0]


def _read(pid: int, begin: int, mapped: int, length: int) -> Iterator[tuple[int, bytes]]:
    count = length // _PAGE
    entries = array("Q")
    with open(f"/proc/{pid}/pagemap", "rb", 0) as file:  # noqa: PTH123
        file.seek(begin // _PAGE * _ENTRY)
        entries.frombytes(file.read(count * _ENTRY))
    if len(entries) != count:
        raise ValueError("the kernel tells of fewer pages than there are")
    held = _PRESENT | _SWAPPED
    of_image = mapped // _PAGE
    written = [
        number
        for number, entry in enumerate(entries)
        if entry & held and not (entry & _OF_FILE and number < of_image)
    ]
    # Now, while whoever asks can still take another way.
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    return _pieces(memory, begin, _runs(written))


def _pieces(memory: int, begin: int, runs: list[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    try:
        for first, last in runs:
            yield first * _PAGE, _piece(memory, begin + first * _PAGE, (last - first) * _PAGE)
    finally:
        os.close(memory)


def _runs(pages: list[int]) -> list[tuple[int, int]]:
    """Return runs of neighbours: the first, and the one behind the last.

    >>> _runs([1, 2, 5])
    [(1, 3), (5, 6)]
    """
    found: list[tuple[int, int]] = []
    most = _AT_ONCE // _PAGE
    for page in pages:
        if found and found[-1][1] == page and page - found[-1][0] < most:
            found[-1] = (found[-1][0], page + 1)
        else:
            found.append((page, page + 1))
    return found


def _piece(memory: int, address: int, length: int) -> bytes:
    data = os.pread(memory, length, address)
    if len(data) != length:
        raise ValueError("memory is shorter than it is said to be")
    return data
