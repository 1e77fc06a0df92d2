"""Which pages of a sandbox's memory were written, and what is in them: read while it waits.

Its memory is a private mapping of an image: a page that nobody wrote is the file's still, and the
kernel says so of each. Only Linux does, and only where `/proc` is as it is usually; where it is not
so, nothing is known, and the sandbox has to be asked.
"""

from __future__ import annotations

import os
import re
import sys
from itertools import chain, pairwise

from capsule import anonymous_memory
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator
    from pathlib import Path

# Of Linux: Documentation/admin-guide/mm/pagemap.rst. Bits 63, 62 and 61 of an entry, which has the
# order of the processor: a little-endian one's.
_PRESENT, _SWAPPED, _OF_FILE = 0x80, 0x40, 0x20
_ENTRY = 8
# For each last byte of an entry whether its page was written: 1 or 0.
_OF_REST = bytes(bool(flags & (_PRESENT | _SWAPPED)) for flags in range(256))
_OF_IMAGE = bytes(bool(_OF_REST[flags] and not flags & _OF_FILE) for flags in range(256))
_LONGEST = 1 << 20
_PAGE = 4096
# Bytes that are read at once, and how many places they are in: IOV_MAX of Linux.
_AT_ONCE, _VECTORS = 1 << 21, 1024
# Small enough not to change when the C library gives freed memory back, in the whole program
# that this is a part of.
_ENTRIES = 1 << 16
_NEIGHBOURS = re.compile(rb"\x01{1,%d}" % (_ENTRIES // _PAGE))


class Written(NamedTuple):
    """Runs of pages, by address and length; `there` has their bytes, one run after the other.

    They are there until the next are asked for.
    """

    runs: list[tuple[int, int]]
    there: mmap.mmap


def written_pages(pid: int, image: Path, first: int, length: int) -> Iterator[Written] | None:
    """Return the pages that process `pid` has written, by address: `image` begins at `first`.

    `length` is how many bytes are looked at: those of the image, and what memory has grown by. None
    where the system does not tell. They are read when they are asked for; raises `OSError` or
    `ValueError` then where that fails.
    """
    if sys.platform != "linux" or sys.byteorder != "little":
        return None
    if os.sysconf("SC_PAGE_SIZE") != _PAGE:
        return None
    try:
        begin, mapped = _mapping(pid, image)
        flags, of_image = _flags(pid, begin // _PAGE, length // _PAGE), mapped // _PAGE
        written = flags[:of_image].translate(_OF_IMAGE) + flags[of_image:].translate(_OF_REST)
    except (OSError, ValueError):
        return None
    # Nothing is open before it begins: nothing is left open where it never does.
    return _read(pid, (first, begin), _runs(written))


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


def _flags(pid: int, first: int, count: int) -> bytes:
    """Return the byte of each page's entry in which all flags are, the last one."""
    size, flags = count * _ENTRY, bytearray()
    with open(f"/proc/{pid}/pagemap", "rb", 0) as file:  # noqa: PTH123
        file.seek(first * _ENTRY)
        while entries := file.read(min(size - len(flags) * _ENTRY, _ENTRIES)):
            flags += entries[_ENTRY - 1 :: _ENTRY]
    if len(flags) != count:
        raise ValueError("the kernel tells of fewer pages than there are")
    return bytes(flags)


def _read(pid: int, begins: tuple[int, int], pages: list[tuple[int, int]]) -> Iterator[Written]:
    mine, theirs = begins
    try:
        room = _ROOMS.pop()
    except IndexError:
        room = _Room()
    try:
        for some in _batches(pages):
            sizes = [(last - first) * _PAGE for first, last in some]
            places = [first * _PAGE for first, _ in some]
            there = room.filled(pid, _at(theirs, places, sizes))
            yield Written(_at(mine, places, sizes), there)
    finally:
        if len(_ROOMS) < _MOST_ROOMS:
            _ROOMS.append(room)


def _at(begin: int, places: list[int], sizes: list[int]) -> list[tuple[int, int]]:
    return [(begin + place, size) for place, size in zip(places, sizes, strict=True)]


def _batches(runs: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Return runs in the order in which they are, as many together as are read at once.

    >>> list(_batches([(0, 2), (5, 305), (600, 900)]))
    [[(0, 2), (5, 305)], [(600, 900)]]
    """
    some: list[tuple[int, int]] = []
    pages = 0
    for run in runs:
        length = run[1] - run[0]
        if some and (pages + length > _AT_ONCE // _PAGE or len(some) == _VECTORS):
            yield some
            some, pages = [], 0
        some.append(run)
        pages += length
    if some:
        yield some


class _Room:
    """Room for what is read of a process at once: many places by one call of the system."""

    def __init__(self) -> None:
        import ctypes

        self._ctypes = ctypes
        self._call = getattr(ctypes.CDLL(None), "process_vm_readv", None)
        self._there = anonymous_memory.reserve(_AT_ONCE)
        self._begin = ctypes.addressof(ctypes.c_char.from_buffer(self._there))
        if self._call is not None:
            self._call.restype = ctypes.c_ssize_t

    def filled(self, pid: int, places: list[tuple[int, int]]) -> mmap.mmap:
        """Return the room with what is at places, by address and length, one after the other."""
        if not self._read(pid, places):
            self._read_each(pid, places)
        return self._there

    def _read(self, pid: int, places: list[tuple[int, int]]) -> bool:
        if self._call is None:
            return False
        ctypes = self._ctypes
        length = sum(size for _, size in places)
        theirs = (ctypes.c_size_t * (2 * len(places)))(*chain.from_iterable(places))
        mine = (ctypes.c_size_t * 2)(self._begin, length)
        one, many, none = (ctypes.c_ulong(number) for number in (1, len(places), 0))
        return bool(self._call(pid, mine, one, theirs, many, none) == length)

    def _read_each(self, pid: int, places: list[tuple[int, int]]) -> None:
        at = 0
        with open(f"/proc/{pid}/mem", "rb", 0) as memory, memoryview(self._there) as there:  # noqa: PTH123
            for address, length in places:
                if os.preadv(memory.fileno(), [there[at : at + length]], address) != length:
                    raise ValueError("memory is shorter than it is said to be")
                at += length


# Those that nobody uses: memory that is new to this program costs more than what is read into it.
# Few are read at once, as Python's lock has one compared at a time; of more, the room is let go of.
_MOST_ROOMS = 4
_ROOMS: list[_Room] = []


def _runs(written: bytes) -> list[tuple[int, int]]:
    """Return runs of neighbours that are 1: the first, and the one behind the last.

    >>> _runs(bytes([0, 1, 1, 0, 0, 1]))
    [(1, 3), (5, 6)]
    """
    return [found.span() for found in _NEIGHBOURS.finditer(written)]
