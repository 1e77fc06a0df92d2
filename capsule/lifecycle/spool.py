"""What short programs leave for whoever opens the database next.

A command that is over in 50 ms would take another 10 for SQLite. So it leaves its rows in a small
file beside the database, put in place whole, and whoever reads or writes the database takes it in.
So does one that would have to wait at its end for others that keep the database locked.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

from capsule import direct_json
from capsule.lifecycle import schema
from capsule.lifecycle.columns import values
from capsule.lifecycle.owner_process import Host
from capsule.paths import make_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from sqlite3 import Connection

    from capsule.lifecycle.write_buffer import Row

FOLDER = "spool"
NAME = "runs.db"
# How each database of SQLite begins.
_MAGIC = b"SQLite format 3\0"
# With so many files, who would leave the next one writes the database instead.
MOST = 100
_END, _UNFINISHED = ".json", ".new"
# A file that was not finished for so long, in seconds, is of a program that was killed.
_OLD = 3600
# What is larger was left by nobody.
_MOST_BYTES = 64 << 20


def leave(folder: Path, rows: Sequence[Row]) -> bool:
    """Leave rows in `folder`, that of the database; False where that has to be opened first.

    It has when much was left already, and when it is damaged on the face of it.

    Raises `OSError` when they cannot be written.
    """
    spool = folder / FOLDER
    if _is_damaged(folder / NAME):
        return False
    try:
        with os.scandir(spool) as entries:
            if sum(1 for _ in entries) >= MOST:
                return False
    except FileNotFoundError:
        make_private(spool)
    # This program is over when they are read: one that has not ended is closed then.
    host = Host(os.urandom(6).hex(), os.getpid(), "")
    text = direct_json.dumps([schema.COLUMNS, [values(row, host) for row in rows]])
    name = f"{time.time_ns():020}-{host.name}"
    made = spool / f"{name}{_UNFINISHED}"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        made.rename(spool / f"{name}{_END}")
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return True


def _is_damaged(database: Path) -> bool:
    try:
        with database.open("rb") as file:
            return file.read(len(_MAGIC)) not in (b"", _MAGIC)
    except FileNotFoundError:
        return False


def has_any(folder: Path) -> bool:
    """Say whether there is something to take in."""
    with suppress(OSError), os.scandir(folder / FOLDER) as entries:
        return any(entry.name.endswith(_END) for entry in entries)
    return False


def take_in(connection: Connection, folder: Path) -> None:
    """Write what was left into the database, the oldest first, and delete it.

    Raises `sqlite3.Error` or `OSError`; what was not written stays.
    """
    if not has_any(folder):
        return
    for path in sorted((folder / FOLDER).glob(f"*{_END}")):
        try:
            rows = _read(path)
        except OSError:  # no file, or somebody else's: it is in nobody's way
            continue
        if rows:
            # Writing a row again changes nothing: two may take in the same file.
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(schema.WRITE, rows)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        path.unlink(missing_ok=True)
    for path in (folder / FOLDER).glob(f"*{_UNFINISHED}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _OLD:
                path.unlink()


def _read(path: Path) -> list[list[object]]:
    """Return the rows of a file; none when it is gone, of another version, or damaged.

    Raises `OSError` when it cannot be read, or is no file.
    """
    # Whoever only leaves rows has no use for it.
    from capsule.lifecycle.row_validation import is_sound

    try:
        # Whoever opens a pipe for reading waits for a writer, unless it says that it does not.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return []
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path.name} is no file")
        data = b"" if status.st_size > _MOST_BYTES else file.read()
    try:
        columns, rows = direct_json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return []
    if columns != schema.COLUMNS or not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, list) and is_sound(row)]
