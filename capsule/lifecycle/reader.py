"""Reading the record: what is running, what ran, and all of one run.

Whoever looks first closes what a program has left open that is gone: nobody else can tell any more.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager, suppress

from capsule.errors import CapsuleError, UsageError
from capsule.lifecycle import database, ids, spool
from capsule.lifecycle.columns import plain
from capsule.lifecycle.owner_process import Host, is_gone
from capsule.lifecycle.recorder import FOLDER
from capsule.lifecycle.row_validation import is_sound
from capsule.lifecycle.schema import COLUMNS, LIVE, Attempt
from capsule.message_text import nearest
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from capsule.lifecycle.events import State

HOST_DIED = "host_died"
_DIED = "the program that ran it ended before it did"
LATEST = "latest"
# How many runs an error names that could be meant.
_NAMED = 5
# More than are ever kept; SQLite takes no number of any size.
_MOST_RUNS = 1 << 62
# Among how many runs or tasks to look for one that is nearly called so.
_NAMES = 1_000
# How much alike two names of runs have to be: those of one hour begin with the same six digits.
_ALIKE = 0.85


class Node(NamedTuple):
    """An attempt, and those of the tasks that it called, in order."""

    attempt: Attempt
    below: tuple[Node, ...] = ()

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The entries of its HTTP requests, as they stand in an envelope."""
        try:
            entries = json.loads(self.attempt.host_requests or "[]")
        except (ValueError, RecursionError):  # a record that is damaged
            return []
        return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


class Run(NamedTuple):
    """A run: the attempts of the task that was asked for, with all below them."""

    id: str
    attempts: tuple[Node, ...]


class Summary(NamedTuple):
    """What a list tells of a run.

    `last` is its last attempt, without output and requests; `created_ns` is when the first began,
    in nanoseconds since 1970, and `attempts` how many there are, those of sub-tasks among them.
    """

    last: Attempt
    created_ns: int
    attempts: int


class Filters(NamedTuple):
    """Which runs to list: those whose last attempt is in `state`, of one task, begun since a time.

    At most `limit`, the newest first. `since_ns` is in nanoseconds since 1970.
    """

    state: State | None = None
    task: str | None = None
    since_ns: int | None = None
    limit: int = 20


def running(home: Path) -> list[Node]:
    """Return what has not ended, the tasks that others called below those, the oldest first.

    `home` is the state root. Raises `CapsuleError` when the record cannot be read.
    """
    with _reading(home) as look:
        rows = look.rows(f"WHERE {LIVE} ORDER BY created_ns, id")
        return list(_trees(row for row in rows if row.state in ("created", "running")))


def runs(home: Path, filters: Filters = Filters()) -> list[Summary]:  # noqa: B008 - immutable
    """Return runs, the newest first. Raises `CapsuleError` when the record cannot be read."""
    since_ns = None if filters.since_ns is None else max(filters.since_ns, 0)
    conditions = ["depth = 0"]
    values: list[object] = []
    for condition, value in (
        ("state = ?", filters.state),
        ("task = ?", plain(filters.task)),
        ("created_ns >= ?", since_ns),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    conditions.append("NOT EXISTS (SELECT 1 FROM attempts b WHERE b.retry_of = a.id)")
    where = f"WHERE {' AND '.join(conditions)} ORDER BY created_ns DESC, id DESC LIMIT ?"
    with _reading(home) as look:
        return [
            Summary(row, *look.extent(row))
            for row in look.rows(where, (*values, min(filters.limit, _MOST_RUNS)), _BRIEF)
        ]


def tasks(home: Path, limit: int = _NAMES) -> list[str]:
    """Return the names of tasks that were asked for, the latest first, at most `limit`.

    Raises `CapsuleError` when the record cannot be read.
    """
    with _reading(home) as look:
        return look.names("task", limit)


def run(home: Path, which: str) -> Run:
    """Return one run with all its attempts and their details.

    `which` is its name, a beginning of it that no other has, or "latest". Raises `UsageError` when
    there is none or it could be several, and `CapsuleError` when the record cannot be read.
    """
    with _reading(home) as look:
        name = look.find(which)
        # By their numbers: a clock may have been set back meanwhile.
        trees = _trees(look.rows("WHERE run = ? ORDER BY length(id), id", (name,)))
        if not trees:
            raise CapsuleError(f"what is recorded of run {name} is damaged, or just gone")
        return Run(name, trees)


class _Look:
    """One look at the record, through an open database; None is an empty one."""

    def __init__(self, connection: sqlite3.Connection | None, folder: Path) -> None:
        self._connection = connection
        self._gone: set[str] = set()
        if connection is not None:
            self._close_what_died(connection, folder)

    def rows(
        self, rest: str, values: Sequence[object] = (), columns: str = COLUMNS
    ) -> list[Attempt]:
        found = self._ask(f"SELECT {columns} FROM attempts a {rest}", values)  # noqa: S608
        return [self._judged(Attempt(*row)) for row in found if is_sound(row)]

    def extent(self, row: Attempt) -> tuple[int, int]:
        """Return when the run of a row began, and how many attempts it has."""
        ((created_ns, count),) = self._ask(
            "SELECT min(created_ns), count(created_ns) FROM attempts WHERE run = ?"
            " AND typeof(created_ns) = 'integer'",
            (row.run,),
        )
        # A damaged index may have none of what the table holds.
        return (created_ns, count) if count else (row.created_ns, 1)

    def find(self, which: str) -> str:
        if which == LATEST:
            query = "SELECT run FROM attempts WHERE depth = 0 ORDER BY created_ns DESC LIMIT 1"
            found = self._ask(query)
            if not found:
                raise UsageError("no run is recorded yet", hint="capsule run FILE.py")
            return str(found[0][0])
        # The name of an attempt says which run it is of.
        start = which.lower().partition(".")[0]
        found = self._ask(
            "SELECT DISTINCT run FROM attempts WHERE run >= ? AND run < ? ORDER BY run LIMIT ?",
            (plain(start), f"{plain(start)}\x7f", _NAMED + 1),
        )
        if not found or not start:
            raise UsageError(f"there is no run {which[:100]!r}", hint=self._near(start))
        if len(found) > 1:
            names = ", ".join(name for (name,) in found[:_NAMED])
            more = " and more" if len(found) > _NAMED else ""
            raise UsageError(
                f"{which!r} could be {names}{more}", hint=f"more of the {ids.LENGTH} characters"
            )
        return str(found[0][0])

    def names(self, column: str, limit: int) -> list[str]:
        """Return what stands in a column for the tasks that were asked for, the latest first."""
        return [
            str(name)
            for (name,) in self._ask(
                f"SELECT {column} FROM attempts WHERE depth = 0"  # noqa: S608
                f" GROUP BY {column} ORDER BY max(created_ns) DESC LIMIT ?",
                (limit,),
            )
        ]

    def _near(self, name: str) -> str:
        """Return the command that shows what was probably meant."""
        known = self.names("run", _NAMES)
        if not known:
            return "capsule trace"
        near = nearest(name[: ids.LENGTH], known, alike=_ALIKE)
        return f"capsule trace {near or LATEST}"

    def _ask(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return (
            [] if self._connection is None else self._connection.execute(query, values).fetchall()
        )

    def _judged(self, row: Attempt) -> Attempt:
        if row.host in self._gone and row.state in ("created", "running"):
            return row._replace(state="failed", error_type=HOST_DIED, message=_DIED)
        return row

    def _close_what_died(self, connection: sqlite3.Connection, folder: Path) -> None:
        hosts = self._ask(
            f"SELECT DISTINCT host, host_pid, host_started FROM attempts WHERE {LIVE}"  # noqa: S608
        )
        self._gone = {host[0] for host in hosts if is_gone(folder, Host(*host))}
        # Where it cannot be written, it is seen anew each time.
        with suppress(sqlite3.Error):
            for host in self._gone:
                connection.execute(
                    "UPDATE attempts SET state = 'failed', error_type = ?, message = ?"  # noqa: S608
                    f" WHERE host = ? AND {LIVE}",
                    (HOST_DIED, _DIED, host),
                )


# A list needs no output, and what is not asked for is not read from the disk.
_BRIEF = ", ".join(
    f"NULL AS {name}" if name in ("traceback", "host_requests", "stdout", "stderr") else name
    for name in Attempt._fields
)


@contextmanager
def _reading(home: Path) -> Iterator[_Look]:
    folder = home / FOLDER
    path = folder / spool.NAME
    opened = None
    try:
        _take_in(folder)
        opened = database.identity(folder)
        connection = database.open_to_read(folder)
        if connection is None:
            yield _Look(None, folder)
            return
        with closing(connection):
            yield _Look(connection, folder)
    except database.NewerError:
        raise CapsuleError(
            f"a later version of capsule keeps the record of runs in {path}", hint="upgrade capsule"
        ) from None
    except sqlite3.Error as error:
        aside = None
        if database.kind_of(error) == database.BROKEN:
            # Writing may go well for ever where only what is read is damaged.
            with suppress(OSError):
                aside = database.put_aside(folder, opened)
        if aside is None:
            raise CapsuleError(f"the record of runs in {path} cannot be read: {error}") from None
        raise CapsuleError(
            f"the record of runs was damaged: it is {aside} now, and a new one is begun"
        ) from None
    except OSError as error:
        raise CapsuleError(f"the record of runs in {path} cannot be read: {error}") from None


def _take_in(folder: Path) -> None:
    """Take in what short programs have left; where nothing can be written, it stays unseen."""
    if spool.has_any(folder):
        with (
            suppress(sqlite3.Error, OSError),
            closing(database.open_to_write(folder)) as connection,
        ):
            spool.take_in(connection, folder)


def _trees(rows: Iterable[Attempt]) -> tuple[Node, ...]:
    """Return rows as trees; one whose caller is not among them stands on its own."""
    known = {row.id: row for row in rows}
    below: dict[str | None, list[Attempt]] = {}
    for row in known.values():
        caller = known.get(row.parent or "")
        # Only down: what is read could go round in circles.
        is_below = caller is not None and caller.depth < row.depth
        below.setdefault(row.parent if is_below else None, []).append(row)

    def node(row: Attempt) -> Node:
        return Node(row, tuple(map(node, below.get(row.id, ()))))

    return tuple(map(node, below.get(None, ())))
