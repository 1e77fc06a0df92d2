"""Writing rows into the database, and what becomes of them when that cannot be done."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from capsule.lifecycle import database, hosts, prune, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from capsule.lifecycle.pending import Row

# How long others may keep the database locked until what was to be written is given up.
PATIENCE = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
# How many rows go in one transaction: others wait for it.
_AT_ONCE = 500
# Texts of rows are cut at these lengths; the ends of the output are bounded already.
_MOST_MESSAGE, _MOST_REQUESTS = 64 << 10, 1 << 20


class LostError(Exception):
    """Raised when rows could not be written; its text says why. `final`: nor will any others be."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Store:
    """Writes to the database in `folder`, from one thread; `close` it."""

    def __init__(self, folder: Path, patience: float = PATIENCE) -> None:
        self._folder, self._patience = folder, patience
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._presence: hosts.Presence | None = None
        self._upkeep = prune.Upkeep()
        # Where a damaged file went, until somebody asks.
        self.set_aside: Path | None = None

    def __repr__(self) -> str:
        return f"<Store {'closed' if self._connection is None else 'open'} in {self._folder}>"

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows, waiting for other writers, and beginning anew behind a damaged file.

        Raises `LostError`.
        """
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        mended = False
        done = 0
        while done < len(rows):
            try:
                self._write(rows[done : done + _AT_ONCE])
                done += _AT_ONCE
                continue
            except TimeoutError:
                trouble = database.BUSY
            except OSError as error:
                raise LostError(error.strerror or str(error)) from None
            except database.NewerError:
                self._disconnect()
                reason = "a later version of capsule keeps it, and this one leaves it alone"
                raise LostError(reason, final=True) from None
            except sqlite3.Error as error:
                trouble = database.kind_of(error)
                if trouble == database.OTHER or (trouble != database.BUSY and mended):
                    self._disconnect()
                    raise LostError(str(error)) from None
            if trouble == database.BUSY:
                if time.monotonic() + pause > deadline:
                    raise LostError("another program keeps it locked")
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            mended = True
            self._disconnect()
            if trouble == database.BROKEN:
                self._put_aside()

    def tidy(self) -> None:
        """Prune when it is time for that; a database that cannot be pruned stays as it is."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                if self._upkeep.do(self._connection):
                    hosts.sweep(self._folder)

    def close(self) -> None:
        """Give back what it holds."""
        self._disconnect()
        if self._presence is not None:
            self._presence.close()
            self._presence = None

    def _write(self, rows: Sequence[Row]) -> None:
        connection = self._connect()
        if self._presence is None:
            self._presence = hosts.Presence(self._folder)
        host = self._presence.host
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(schema.WRITE, (tuple(_columns(row, host)) for row in rows))
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        self._upkeep.wrote(len(rows))

    def _connect(self) -> sqlite3.Connection:
        """Return the connection, anew when the file was deleted or put aside meanwhile."""
        if self._connection is not None and database.identity(self._folder) != self._opened:
            self._disconnect()
        if self._connection is None:
            # Asked before, so that a file that cannot even be opened is known.
            self._opened = database.identity(self._folder)
            self._connection = database.open_to_write(self._folder)
            self._opened = database.identity(self._folder)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _put_aside(self) -> None:
        try:
            self.set_aside = database.put_aside(self._folder, self._opened) or self.set_aside
        except OSError as error:
            reason = f"it is damaged, and cannot be put aside: {error}"
            raise LostError(reason) from None


def _columns(row: Row, host: hosts.Host) -> Iterator[object]:
    """Yield a row's values in the order of the columns."""
    created, running, ended = row
    yield created.id
    yield created.run
    yield created.parent
    yield created.retry_of
    yield created.depth
    yield created.number
    yield _plain(created.task)
    yield _plain(created.file)
    yield ended.state if ended else "running" if running else "created"
    yield created.created_ns
    yield running.started_ns if running else None
    yield ended.ended_ns if ended else None
    yield ended.elapsed_ns if ended else None
    yield from host
    yield running.compute if running else created.compute
    yield created.ram
    yield running.timeout_ms if running else created.timeout_ms
    yield created.landlock
    yield int(created.seccomp)
    if ended is None:
        yield from (None,) * 11
        return
    yield ended.how
    yield ended.fuel
    yield ended.ram_used
    yield ended.duration_ms
    yield ended.error_type
    yield _plain(ended.message, _MOST_MESSAGE)
    yield _plain(ended.traceback, _MOST_MESSAGE)
    yield ended.truncated_bytes
    yield _requests(ended.host_requests)
    yield _plain(ended.stdout)
    yield _plain(ended.stderr)


def _requests(requests: Sequence[object] | None) -> str | None:
    if requests is None:
        return None
    text = json.dumps(requests)
    return text if len(text) <= _MOST_REQUESTS else None


def _plain(text: str | None, most: int | None = None) -> str | None:
    """Return a text as SQLite takes it: names of files may hold what no UTF-8 can say."""
    return None if text is None else text[:most].encode(errors="backslashreplace").decode()
