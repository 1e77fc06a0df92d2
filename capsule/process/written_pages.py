"""Which pages of a sandbox's memory were written, and what is in them: read while it waits.

Its memory is a private mapping of an image: a page that nobody wrote is the file's still, and the
kernel says so of each. Only Linux does, and only where `/proc` is as it is usually; where it is not
so, nothing is known, and the sandbox has to be asked.
"""

from __future__ import annotations

import mmap
import os
import re
import sys
from itertools import accumulate, chain, pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
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
_AT_ONCE, _VECTORS = 1 << 19, 1024
# Small enough not to change when the C library gives freed memory back, in the whole program
# that this is a part of.
_ENTRIES = 1 << 16
_NEIGHBOURS = re.compile(rb"\x01{1,%d}" % (_AT_ONCE // _PAGE))


def written_pages(pid: int, image: Path, length: int) -> Iterator[tuple[int, bytes]] | None:
    """Return runs of pages that process `pid` has written, by their place behind `image`'s begin.

    `length` is how many bytes are looked at: those of the image, and what memory has grown by. None
    where the system does not tell. Each run is read when it is asked for; raises `OSError` or
    `ValueError` then where that fails.
    """
    if sys.platform != "linux" or sys.byteorder != "little":
        return None
    if os.sysconf("SC_PAGE_SIZE") != _PAGE:
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
    flags, of_image = _flags(pid, begin // _PAGE, length // _PAGE), mapped // _PAGE
    written = flags[:of_image].translate(_OF_IMAGE) + flags[of_image:].translate(_OF_REST)
    # Now, while whoever asks can still take another way.
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    return _pieces(pid, memory, begin, _runs(written))


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


def _pieces(
    pid: int, memory: int, begin: int, runs: list[tuple[int, int]]
) -> Iterator[tuple[int, bytes]]:
    try:
        room = _Room(pid)
        for some in _batches(runs):
            places = [(begin + first * _PAGE, (last - first) * _PAGE) for first, last in some]
            pieces = room.read(places) or (_piece(memory, *place) for place in places)
            for (address, _), piece in zip(places, pieces, strict=True):
                yield address - begin, piece
    finally:
        os.close(memory)


def _batches(runs: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Return runs in the order in which they are, as many together as are read at once.

    >>> list(_batches([(0, 2), (5, 105), (300, 340)]))
    [[(0, 2), (5, 105)], [(300, 340)]]
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

    def __init__(self, pid: int) -> None:
        import ctypes

        self._pid, self._ctypes = pid, ctypes
        self._call = getattr(ctypes.CDLL(None), "process_vm_readv", None)
        if self._call is not None:
            self._call.restype = ctypes.c_ssize_t
            # The system's own, for the same reason.
            self._there = (ctypes.c_char * _AT_ONCE).from_buffer(mmap.mmap(-1, _AT_ONCE))

    def read(self, places: list[tuple[int, int]]) -> Iterator[bytes] | None:
        """Return what is at places, an address and a length each; None where it cannot be had."""
        if self._call is None:
            return None
        ctypes, begin = self._ctypes, self._ctypes.addressof(self._there)
        length = sum(size for _, size in places)
        theirs = (ctypes.c_size_t * (2 * len(places)))(*chain.from_iterable(places))
        mine = (ctypes.c_size_t * 2)(begin, length)
        one, many, none = (ctypes.c_ulong(number) for number in (1, len(places), 0))
        if self._call(self._pid, mine, one, theirs, many, none) != length:
            return None
        ends = accumulate(size for _, size in places)
        # One after the other: memory that is new to this program costs more than the copy.
        return (
            ctypes.string_at(begin + end - size, size)
            for end, (_, size) in zip(ends, places, strict=True)
        )


def _runs(written: bytes) -> list[tuple[int, int]]:
    """Return runs of neighbours that are 1: the first, and the one behind the last.

    >>> _runs(bytes([0, 1, 1, 0, 0, 1]))
    [(1, 3), (5, 6)]
    """
    return [found.span() for found in _NEIGHBOURS.finditer(written)]


def _piece(memory: int, address: int, length: int) -> bytes:
    data = os.pread(memory, length, address)
    if len(data) != length:
        raise ValueError("memory is shorter than it is said to be")
    return data
