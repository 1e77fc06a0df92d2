"""Taking out of the record what is old, or too much, in steps that keep nobody waiting."""

from __future__ import annotations

import time

from capsule.lifecycle import ids
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

_DAY_NS = 86_400 * 10**9
_HOUR_NS = 3_600 * 10**9
# After how many rows of one program the bounds are looked at, besides once an hour.
_MANY = 2_000
# How many rows go in one transaction, and how many pages are given back to the system in one.
_AT_ONCE, _PAGES = 500, 1_000


class Bounds(NamedTuple):
    """What may stay: runs that began in the last `age_ns`, so many attempts, so many bytes."""

    age_ns: int = 30 * _DAY_NS
    rows: int = 100_000
    size: int = 256 << 20


class Upkeep:
    """Prunes at times: once an hour, whoever comes first, and sooner when there is a lot."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._next_ns = 0
        self._wrote = 0

    def __repr__(self) -> str:
        return f"<Upkeep within {self._bounds!r}>"

    def wrote(self, rows: int) -> None:
        """Take that so many rows were written."""
        self._wrote += rows

    def do(self, connection: Connection) -> bool:
        """Prune if it is time for that, and say whether it was. Raises `sqlite3.Error`."""
        now = time.time_ns()
        if self._wrote < _MANY and now < self._next_ns and size_of(connection) <= self._bounds.size:
            return False
        many, self._wrote = self._wrote >= _MANY, 0
        self._next_ns = now + _HOUR_NS
        if not (_is_due(connection, now) or many or size_of(connection) > self._bounds.size):
            return False
        prune(connection, self._bounds, now)
        return True


def prune(connection: Connection, bounds: Bounds, now_ns: int) -> int:
    """Delete the oldest runs until all bounds are kept, and return how many rows are gone.

    Where there is too much, it goes well below the bound, so that this is not done all the time.
    Raises `sqlite3.Error`.
    """
    gone = 0
    oldest = ids.earliest(max(now_ns - bounds.age_ns, 0))
    while deleted := _delete(connection, oldest):
        gone += deleted
    rows = _count(connection)
    if rows > bounds.rows:
        while rows > bounds.rows * 9 // 10 and (deleted := _delete(connection)):
            rows -= deleted
            gone += deleted
    if size_of(connection) > bounds.size:
        while size_of(connection) > bounds.size * 3 // 4 and (deleted := _delete(connection)):
            gone += deleted
    if gone:
        _shrink(connection)
    return gone


def size_of(connection: Connection) -> int:
    """Return how many bytes of the database are in use. Raises `sqlite3.Error`."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _delete(connection: Connection, before: str | None = None) -> int:
    """Delete about as many rows as go in one transaction, whole runs, the oldest first.

    What still goes on may be among them: its row is written whole when it ends.
    """
    condition, values = ("", ()) if before is None else ("WHERE run < ?", (before,))
    chosen = f"SELECT run FROM attempts {condition} ORDER BY run LIMIT {_AT_ONCE}"  # noqa: S608
    # One statement is one transaction.
    return connection.execute(
        f"DELETE FROM attempts WHERE run <= (SELECT max(run) FROM ({chosen}))",  # noqa: S608
        values,
    ).rowcount


def _shrink(connection: Connection) -> None:
    """Give pages that are free back to the system."""
    while (free := connection.execute("PRAGMA freelist_count").fetchone()[0]) > 0:
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
        if connection.execute("PRAGMA freelist_count").fetchone()[0] >= free:
            return  # the file was made by somebody else, with other ideas


def _count(connection: Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])


def _is_due(connection: Connection, now_ns: int) -> bool:
    """Say whether nobody has pruned for an hour; whoever is told so does it now."""
    changed = connection.execute(
        "INSERT INTO upkeep VALUES ('prune', ?) ON CONFLICT (name) DO UPDATE"
        " SET at_ns = excluded.at_ns WHERE at_ns NOT BETWEEN ? AND ?",
        (now_ns, now_ns - _HOUR_NS, now_ns),
    ).rowcount
    return changed > 0
