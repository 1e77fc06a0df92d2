"""The tables, and the steps from each version of them to the next."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection

    from capsule.lifecycle.events import How, State


class Attempt(NamedTuple):
    """A row of the table `attempts`, column for column; `docs/lifecycle.md` says what each means.

    Times are in nanoseconds since 1970, `elapsed_ns` in nanoseconds, limits and use in fuel units,
    bytes and milliseconds. `host_requests` is JSON.
    """

    id: str
    run: str
    parent: str | None
    retry_of: str | None
    depth: int
    number: int
    task: str
    file: str | None
    state: State
    created_ns: int
    started_ns: int | None
    ended_ns: int | None
    elapsed_ns: int | None
    host: str
    host_pid: int
    host_started: str
    compute: int
    ram: int | None
    timeout_ms: int | None
    landlock: int
    seccomp: int
    how: How | None
    fuel_consumed: int | None
    ram_used: int | None
    duration_ms: int | None
    error_type: str | None
    message: str | None
    traceback: str | None
    truncated_bytes: int | None
    host_requests: str | None
    stdout: str | None
    stderr: str | None


COLUMNS = ", ".join(Attempt._fields)
_PLACES = ", ".join("?" * len(Attempt._fields))
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in Attempt._fields[1:])
# Each row is written whole: it need not be there yet, and what a reader thought of it is undone.
WRITE = (
    f"INSERT INTO attempts ({COLUMNS}) VALUES ({_PLACES}) ON CONFLICT (id) DO UPDATE SET {_CHANGES}"  # noqa: S608 - names of columns
)

# One entry per version: never change one that was released, add the next. Programs of the version
# before may go on writing: what is added needs a default, and nothing is taken away.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE attempts (
            id TEXT PRIMARY KEY,
            run TEXT NOT NULL,
            parent TEXT,
            retry_of TEXT,
            depth INTEGER NOT NULL,
            number INTEGER NOT NULL,
            task TEXT NOT NULL,
            file TEXT,
            state TEXT NOT NULL CHECK (state IN
                ('created', 'running', 'completed', 'failed', 'timed_out', 'cancelled')),
            created_ns INTEGER NOT NULL,
            started_ns INTEGER,
            ended_ns INTEGER,
            elapsed_ns INTEGER,
            host TEXT NOT NULL,
            host_pid INTEGER NOT NULL,
            host_started TEXT NOT NULL,
            compute INTEGER NOT NULL,
            ram INTEGER,
            timeout_ms INTEGER,
            landlock INTEGER NOT NULL,
            seccomp INTEGER NOT NULL,
            how TEXT,
            fuel_consumed INTEGER,
            ram_used INTEGER,
            duration_ms INTEGER,
            error_type TEXT,
            message TEXT,
            traceback TEXT,
            truncated_bytes INTEGER,
            host_requests TEXT,
            stdout TEXT,
            stderr TEXT
        )""",
        "CREATE INDEX attempts_by_run ON attempts (run)",
        "CREATE INDEX attempts_retried ON attempts (retry_of) WHERE retry_of IS NOT NULL",
        "CREATE INDEX attempts_live ON attempts (host) WHERE state IN ('created', 'running')",
        "CREATE INDEX attempts_first ON attempts (created_ns, state, task) WHERE depth = 0",
        "CREATE TABLE upkeep (name TEXT PRIMARY KEY, at_ns INTEGER NOT NULL)",
    ),
)
# The part of a query that the index of live attempts answers.
LIVE = "state IN ('created', 'running')"


def version_of(connection: Connection) -> int:
    """Return the version of the tables, 0 for a file that has none. Raises `sqlite3.Error`."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def is_empty(connection: Connection) -> bool:
    """Say whether there are no tables at all. Raises `sqlite3.Error`."""
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def look(connection: Connection) -> None:
    """See that there is a table with all columns. Raises `sqlite3.Error`."""
    connection.execute(f"SELECT {COLUMNS} FROM attempts LIMIT 0")  # noqa: S608 - names of columns


def migrate(connection: Connection, steps: tuple[tuple[str, ...], ...]) -> None:
    """Bring the tables to the newest version, all of it or nothing. Raises `sqlite3.Error`.

    Whoever calls this has no transaction, and keeps other processes from doing the same.
    """
    if version_of(connection) == 0:
        # Both can be chosen only while there are no tables.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version_of(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
