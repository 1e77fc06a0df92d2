"""Writing rows into the database, and what becomes of them when that cannot be done."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress

from capsule.lifecycle import database, owner_process, prune, schema, spool
from capsule.lifecycle.columns import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from capsule.lifecycle.write_buffer import Row

# How long others may keep the database locked until what was to be written is given up.
PATIENCE = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5
# How long SQLite waits for another writer where there may be a hurry: it cannot be told of one.
_BUSY_IN_A_HURRY = 0.2
# How many rows go in one transaction: others wait for it.
_AT_ONCE = 500


class LostError(Exception):
    """Raised when rows could not be written; its text says why.

    `final`: nor will any others be. `busy`: others kept the database locked.
    """

    def __init__(self, reason: str, *, final: bool = False, busy: bool = False) -> None:
        super().__init__(reason)
        self.final, self.busy = final, busy


class Writer:
    """Writes to the database in `folder`, from one thread; `close` it.

    It waits `patience` seconds for other writers, and no longer once `hurry` is set.
    """

    def __init__(
        self, folder: Path, patience: float = PATIENCE, hurry: threading.Event | None = None
    ) -> None:
        self._folder, self._patience, self._hurry = folder, patience, hurry
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._presence: owner_process.OwnerPresence | None = None
        self._upkeep = prune.Upkeep()
        # Where a damaged file went, until somebody asks.
        self.set_aside: Path | None = None

    def __repr__(self) -> str:
        return f"<Writer {'closed' if self._connection is None else 'open'} in {self._folder}>"

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
                if time.monotonic() + pause > deadline or self._waited(pause):
                    raise LostError("another program keeps it locked", busy=True)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            mended = True
            self._disconnect()
            if trouble == database.BROKEN:
                self._put_aside()

    def tidy(self) -> None:
        """Take in what short programs have left, and prune when it is time for that.

        A database that cannot be written now stays as it is.
        """
        if self._connection is not None:
            with suppress(sqlite3.Error, OSError):
                spool.take_in(self._connection, self._folder)
                if self._upkeep.do(self._connection):
                    owner_process.sweep(self._folder)

    def close(self) -> None:
        """Give back what it holds."""
        self._disconnect()
        if self._presence is not None:
            self._presence.close()
            self._presence = None

    def _waited(self, seconds: float) -> bool:
        """Wait so long, and say whether there is a hurry now."""
        if self._hurry is not None:
            return self._hurry.wait(seconds)
        time.sleep(seconds)
        return False

    def _write(self, rows: Sequence[Row]) -> None:
        connection = self._connect()
        if self._presence is None:
            self._presence = owner_process.OwnerPresence(self._folder)
        host = self._presence.host
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(schema.WRITE, (values(row, host) for row in rows))
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
            busy_seconds = None if self._hurry is None else _BUSY_IN_A_HURRY
            self._connection = database.open_to_write(self._folder, busy_seconds)
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
