"""Files that are open when a turn ends: open again in the process of the next, under their numbers.

A descriptor is the system's, and gone with its process; what uses it is in memory, and goes on. The
name is that of a file object or of a database, or else looked for by the file's number.
"""

from __future__ import annotations

import gc
import io
import os
import stat
import sys

from capsule_guest import program_end

# What the guard lets be open, and where files of a session can be.
_DESCRIPTORS = range(3, 64)
_PLACES = ("/", "/tmp")  # noqa: S108 - the sandbox's own
_MOST = 10_000
# The guard says that it is a terminal while nothing is open but what is there from the start: see
# `capsule.snapshot.guard_accounts.describe`. To ask for each number was half of what a turn takes.
_NOTHING_OPEN = 1024

_open, _close, _seek, _is_terminal = os.open, os.close, os.lseek, os.isatty
# Number, name, flags, and place in the file.
_kept: list[tuple[int, str, int, int]] = []


def remember() -> None:
    """Write what is not written yet, and note what is open."""
    _kept.clear()
    found = _regular()
    if not found:
        return
    program_end.flush()
    names, flags = _of_objects(found)
    _by_number({number: place for number, place in found.items() if number not in names}, names)
    for number in sorted(found):
        how = flags.get(number, os.O_RDWR)
        _kept.append((number, names.get(number, ""), how, _seek(number, 0, os.SEEK_CUR)))


def reopen() -> None:
    """Open again what was open, under the same numbers.

    What cannot be has a folder in its place: whoever uses it is told so, and does not get what is
    opened next.
    """
    others: list[int] = []
    for number, name, flags, place in _kept:
        # Numbers are given from the lowest on.
        while (made := _open("/", os.O_RDONLY)) < number:
            others.append(made)
        if made > number:
            _close(made)
            continue
        _close(made)
        try:
            if name:
                _seek(_opened(name, flags), place, os.SEEK_SET)
                continue
        except OSError:
            pass
        _open("/", os.O_RDONLY)
    for made in others:
        _close(made)
    _kept.clear()


def _opened(name: str, flags: int) -> int:
    try:
        return _open(name, flags)
    except PermissionError:
        if flags & 3 == os.O_RDONLY:
            raise
        return _open(name, os.O_RDONLY)


def _regular() -> dict[int, tuple[int, int]]:
    """Return which file each descriptor is open on, by device and number."""
    found: dict[int, tuple[int, int]] = {}
    if _is_terminal(_NOTHING_OPEN):
        return found
    for number in _DESCRIPTORS:
        try:
            status = os.fstat(number)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            found[number] = status.st_dev, status.st_ino
    return found


def _of_objects(found: dict[int, tuple[int, int]]) -> tuple[dict[int, str], dict[int, int]]:
    """Return names and flags, as far as objects tell: of files, and of databases."""
    names: dict[int, str] = {}
    flags: dict[int, int] = {}
    sqlite = sys.modules.get("sqlite3")
    for each in gc.get_objects():
        if type(each) is io.FileIO and not each.closed and each.fileno() in found:
            number = each.fileno()
            if isinstance(each.name, (str, bytes)) and _is(each.name, found[number]):
                names[number] = os.path.abspath(os.fsdecode(each.name))  # noqa: PTH100
            flags[number] = _flags(each)
        elif sqlite is not None and isinstance(each, sqlite.Connection):
            for path in _databases(each):
                for number, place in found.items():
                    if _is(path, place):
                        names[number] = path
    return names, flags


def _flags(file: io.FileIO) -> int:
    if "a" in file.mode:
        return os.O_APPEND | (os.O_RDWR if file.readable() else os.O_WRONLY)
    if not file.writable():
        return os.O_RDONLY
    return os.O_RDWR if file.readable() else os.O_WRONLY


def _databases(connection) -> list[str]:  # type: ignore[no-untyped-def]
    try:
        rows = connection.execute("pragma database_list").fetchall()
    except BaseException:  # it is closed, or the task's own kind of connection
        return []
    paths = [row[2] for row in rows if row[2]]
    return [*paths, *(f"{path}-journal" for path in paths), *(f"{path}-wal" for path in paths)]


def _is(name: str | bytes, place: tuple[int, int]) -> bool:
    try:
        status = os.stat(name)  # noqa: PTH116
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == place


def _by_number(wanted: dict[int, tuple[int, int]], names: dict[int, str]) -> None:
    """Look for the names of files that no object tells."""
    if not wanted:
        return
    seen = 0
    for top in _PLACES:
        for folder, _, files in os.walk(top):
            for file in files:
                seen += 1
                if seen > _MOST:
                    return
                path = os.path.join(folder, file)  # noqa: PTH118
                for number, place in wanted.items():
                    if number not in names and _is(path, place):
                        names[number] = path
