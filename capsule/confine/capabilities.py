"""The capabilities of a sandbox process: none, but for what lets it reach folders that it is given.

Constants are those of the kernel's `include/uapi/linux/{capability,prctl}.h`.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from contextlib import suppress
from functools import lru_cache
from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.confine.access import Access

_NO_NEW_PRIVILEGES = 38
_HEADER = struct.pack("=Ii", 0x20080522, 0)  # version 3, and the calling thread
# Two times the low and then the high halves of the effective, permitted and inheritable ones.
_SETS = struct.Struct("=6I")
# Whoever is not the owner may do as the owner may: read, also write; what sticky folders forbid.
WRITING, READING, OWNING = 1 << 1, 1 << 2, 1 << 3
_READ, _WRITE, _PASS = 4, 2, 1
# Of what lies in a folder so much is looked at: it is done at each start.
_ENTRIES = 100

_libc = ctypes.CDLL(None, use_errno=True)


def permitted() -> int:
    """Return the capabilities that this thread may use, a bit for each."""
    low, high = _sets()[1::3]
    return high << 32 | low


def needed(access: Access) -> int:
    """Return those that this thread has and without which something in `access` is out of reach.

    As root of a container has them, for a folder of another owner. That is found by the owner and
    the mode of each path, of the folders above it, and of the first entries in it. Where there
    are more entries than that, it may be.
    """
    here = permitted() & (WRITING | READING | OWNING)
    if not here:
        return 0
    reading = READING if here & READING else WRITING
    user, groups = os.geteuid(), {os.getegid(), *os.getgroups()}

    def lacks(status: os.stat_result, rights: int) -> bool:
        shift = 6 if status.st_uid == user else 3 if status.st_gid in groups else 0
        return rights & ~(status.st_mode >> shift) != 0

    wanted = 0
    above: set[str] = set()
    written = frozenset(map(os.fspath, access.write))
    for name in map(os.fspath, (access.program, *access.read, *access.write)):
        for folder in _above(name):
            if folder in above:
                break
            above.add(folder)
            # Not by `suppress`, which takes as long as the call.
            try:
                if lacks(os.stat(folder), _PASS):  # noqa: PTH116
                    wanted |= reading
            except OSError:
                continue
        writes = name in written
        rights, reaching = (_READ | _WRITE, WRITING) if writes else (_READ, reading)
        with suppress(OSError):
            top = True
            for status in _statuses(name):
                if status is None:
                    # What was not looked at may be another's as well.
                    wanted |= reaching
                    break
                # What is the caller's own and only to be read is so for a sandbox too.
                if not top and status.st_uid == user:
                    continue
                top = False
                is_folder = stat.S_ISDIR(status.st_mode)
                if lacks(status, rights | _PASS if is_folder else rights):
                    wanted |= reaching
                if is_folder and writes and status.st_mode & stat.S_ISVTX:
                    wanted |= OWNING
    return wanted & here


@lru_cache
def _above(path: str) -> tuple[str, ...]:
    """Return the folders above a path, from it up.

    >>> _above("/a/b/c")
    ('/a/b', '/a', '/')
    """
    found = [os.path.dirname(path)]  # noqa: PTH120 - objects for paths would take most of the time
    while (folder := os.path.dirname(found[-1])) != found[-1]:  # noqa: PTH120
        found.append(folder)
    return tuple(found)


def _statuses(path: str) -> Iterator[os.stat_result | None]:
    """Yield the status of `path`, and of the first entries in it, from the top down.

    Behind them stands None where there is more.
    """
    status = os.stat(path)  # noqa: PTH116
    yield status
    pending = [path] if stat.S_ISDIR(status.st_mode) else []
    left = _ENTRIES
    while pending:
        with suppress(OSError), os.scandir(pending.pop(0)) as entries:
            for entry in islice(entries, left + 1):
                if not left:
                    yield None
                    return
                left -= 1
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISLNK(status.st_mode):
                        yield status
                    if stat.S_ISDIR(status.st_mode):
                        pending.append(entry.path)


def drop(kept: int = 0) -> None:
    """Give up all but `kept`, for this thread and what it starts, for good.

    A program that root starts would get all of them again. No new privileges keeps that from
    happening: such a program has no more than the thread had. Raises `OSError` when the kernel
    refuses; the thread must then start nothing.
    """
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    sets = _sets()
    masks = (kept & 0xFFFFFFFF,) * 3 + (kept >> 32,) * 3
    less = tuple(held & mask for held, mask in zip(sets, masks, strict=True))
    if less != sets:
        # Ambient capabilities are those among the inheritable ones: they go with them.
        _checked(_libc.capset(_HEADER, _SETS.pack(*less)))


def _sets() -> tuple[int, ...]:
    sets = ctypes.create_string_buffer(_SETS.size)
    _checked(_libc.capget(_HEADER, sets))
    return _SETS.unpack(sets.raw)


def _checked(answer: int) -> None:
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capabilities: {os.strerror(code)}")
