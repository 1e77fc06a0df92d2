"""The database file: making it, opening it, putting a damaged one aside."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import time
from contextlib import suppress

from capsule.lifecycle import schema
from capsule.lifecycle.owner_locks import held
from capsule.lifecycle.spool import NAME
from capsule.paths import make_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# What SQLite keeps beside the file.
_BESIDE = ("-wal", "-shm")
_LOCK = "lock"
_BROKEN = ".broken-"
_MOST_BROKEN = 3
# How long SQLite waits for another writer, and how long to wait for who prepares the file.
_BUSY_SECONDS = 2.0
_MOST_WAL = 4 << 20

BUSY, BROKEN, MOVED, OTHER = "busy", "broken", "moved", "other"


class NewerError(Exception):
    """Raised when a later version of capsule has made the database."""


def open_to_write(folder: Path, busy_seconds: float | None = None) -> sqlite3.Connection:
    """Open the database, making or migrating it where needed.

    Each statement waits `busy_seconds` for other writers, 2 unless they are given.

    Raises `sqlite3.Error`, `OSError` or `NewerError`.
    """
    path = folder / NAME
    if not path.exists():
        _make(folder)
    connection = _connect(path, "rw", busy_seconds)
    try:
        if _known_version(connection) < len(schema.STEPS):
            with held(folder / _LOCK, _BUSY_SECONDS):
                schema.migrate(connection, schema.STEPS)
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        # With a write-ahead log, a power cut takes what came last and nothing else.
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        connection.execute(f"PRAGMA journal_size_limit = {_MOST_WAL}")
        if sys.version_info >= (3, 12):
            # A short command need not wait for the disk at its end: another one will.
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(folder: Path) -> sqlite3.Connection | None:
    """Open the database as it is, None when there is none yet.

    Raises `sqlite3.Error`, `OSError` or `NewerError`.
    """
    path = folder / NAME
    if not path.exists():
        return None
    # The second is for a home that is only read, where SQLite can keep nothing beside the file; the
    # third where there is not even a file beside it to read.
    last = sqlite3.Error()
    for mode in ("rw", "ro", "ro&immutable=1"):
        connection = _connect(path, mode)
        try:
            version = _known_version(connection)
            if version == 0:  # somebody is just making it
                connection.close()
                return None
            if version < len(schema.STEPS):
                with held(folder / _LOCK, _BUSY_SECONDS):
                    schema.migrate(connection, schema.STEPS)
        except sqlite3.OperationalError as error:
            connection.close()
            if kind_of(error) != OTHER:
                raise
            last = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise last


def identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells this database file from one that is put in its place."""
    try:
        status = (folder / NAME).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def put_aside(folder: Path, opened: tuple[int, int] | None) -> Path | None:
    """Move a damaged database out of the way, and say where it is; None if somebody else has.

    `opened` is the identity of the one that was found damaged. Raises `OSError`.
    """
    path = folder / NAME
    with held(folder / _LOCK, _BUSY_SECONDS):
        if opened is None or identity(folder) != opened:
            return None
        aside = path.with_name(f"{NAME}{_BROKEN}{time.time_ns() // 1_000_000}")
        path.rename(aside)
        for end in _BESIDE:
            with suppress(FileNotFoundError):
                path.with_name(NAME + end).rename(aside.with_name(aside.name + end))
    # Whoever wants to look at one will not want more of them.
    broken = (path for path in folder.glob(f"{NAME}{_BROKEN}*") if path.suffix[-4:] not in _BESIDE)
    for file in sorted(broken)[:-_MOST_BROKEN]:
        for end in ("", *_BESIDE):
            file.with_name(file.name + end).unlink(missing_ok=True)
    return aside


def kind_of(error: sqlite3.Error) -> str:
    """Say what can be done about an error: wait, begin anew, open again, or nothing."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return MOVED
    return {
        sqlite3.SQLITE_BUSY: BUSY,
        sqlite3.SQLITE_LOCKED: BUSY,
        sqlite3.SQLITE_CORRUPT: BROKEN,
        sqlite3.SQLITE_NOTADB: BROKEN,
    }.get(code & 0xFF, OTHER)


def _known_version(connection: sqlite3.Connection) -> int:
    """Return the version of the tables, all of which are there."""
    try:
        version = schema.version_of(connection)
        if version > len(schema.STEPS):
            raise NewerError
        alien = version < 0
        if version == 0 and not schema.is_empty(connection):
            # Unless somebody has made them between the two: tables and version come at once.
            version = schema.version_of(connection)
            alien = version == 0
        if 0 < version == len(schema.STEPS):
            schema.look(connection)
    except UnicodeDecodeError:  # the text of an error quotes the file
        raise _alien() from None
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_ERROR:
            raise
        raise _alien() from None
    if alien:
        raise _alien()
    return version


def _alien() -> sqlite3.Error:
    """Return the error for a database with tables of somebody else, or of nobody."""
    error = sqlite3.DatabaseError("its tables are not those of capsule")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _make(folder: Path) -> None:
    make_private(folder)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    path = folder / NAME
    with held(folder / _LOCK, _BUSY_SECONDS):
        if path.exists():
            return
        for end in _BESIDE:
            # The log of a file that somebody deleted would be written into the new one.
            path.with_name(NAME + end).unlink(missing_ok=True)
        # SQLite gives what lies beside the file the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _connect(path: Path, mode: str, busy_seconds: float | None = None) -> sqlite3.Connection:
    # `Path.as_uri` would import a module for it that a command has no other use for.
    name = path.absolute().as_posix().lstrip("/")
    for letter in "%?#":
        name = name.replace(letter, f"%{ord(letter):x}")
    connection = sqlite3.connect(
        f"file:///{name}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS if busy_seconds is None else busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    # A text that a damaged disk has changed is still one.
    connection.text_factory = lambda data: data.decode(errors="replace")
    return connection
