"""What is told of attempts and not yet written: each attempt once, and bounded."""

from __future__ import annotations

from collections import deque
from threading import Lock

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.lifecycle.events import Created, Ended, Running

# How many attempts may wait to be written, and how many bytes of details.
MOST_ROWS = 20_000
MOST_BYTES = 32 << 20


class Row(NamedTuple):
    """All that was told of an attempt so far."""

    created: Created
    running: Running | None = None
    ended: Ended | None = None


class Dropped(NamedTuple):
    """How many attempts lost their details, and how many are lost altogether."""

    details: int = 0
    rows: int = 0


class WriteBuffer:
    """Rows that wait to be written; any thread may use it.

    When there is too much, the oldest details go first, then the oldest rows.

    >>> pending = WriteBuffer()
    >>> pending.dropped
    Dropped(details=0, rows=0)
    """

    def __init__(self, most_rows: int = MOST_ROWS, most_bytes: int = MOST_BYTES) -> None:
        self._most_rows, self._most_bytes = most_rows, most_bytes
        self._lock = Lock()
        self._rows: dict[str, Row] = {}
        # Those that have not ended: each is written whole every time, and the end needs the rest.
        self._open: dict[str, Row] = {}
        self._heavy: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self.dropped = Dropped()

    def __repr__(self) -> str:
        return f"<WriteBuffer {len(self._rows)} rows, {len(self._open)} of attempts that go on>"

    def __len__(self) -> int:
        return len(self._rows)

    def created(self, event: Created) -> None:
        """Take a new attempt."""
        # All fields are given: filling in defaults takes ten times as long.
        row = Row(event, None, None)
        with self._lock:
            self._open[event.id] = self._rows[event.id] = row
            if len(self._rows) > self._most_rows:
                self._drop_row()

    def running(self, attempt: str, event: Running) -> None:
        """Take the start of an attempt; of one that is not known, nothing is taken."""
        with self._lock:
            known = self._open.get(attempt)
            if known is not None:
                self._open[attempt] = self._rows[attempt] = Row(known.created, event, None)
                if len(self._rows) > self._most_rows:
                    self._drop_row()

    def ended(self, attempt: str, event: Ended) -> None:
        """Take the end of an attempt."""
        weight = event.weight()
        with self._lock:
            known = self._open.pop(attempt, None)
            if known is not None:
                self._rows[attempt] = Row(known.created, known.running, event)
                if len(self._rows) > self._most_rows:
                    self._drop_row()
                if weight:
                    self._heavy.append((attempt, weight))
                    self._bytes += weight
                    self._drop_details()

    def take(self) -> list[Row]:
        """Return all rows that wait, which do so no more."""
        with self._lock:
            rows = list(self._rows.values())
            self._rows.clear()
            self._heavy.clear()
            self._bytes = 0
        return rows

    def lose(self, rows: int) -> None:
        """Count rows that could not be written."""
        with self._lock:
            self.dropped = Dropped(self.dropped.details, self.dropped.rows + rows)

    # Whoever calls these holds the lock.

    def _drop_details(self) -> None:
        while self._bytes > self._most_bytes:
            attempt, weight = self._heavy.popleft()
            self._bytes -= weight
            row = self._rows.get(attempt)
            if row is not None and row.ended is not None:
                self._rows[attempt] = row._replace(ended=row.ended.without_details())
                self.dropped = Dropped(self.dropped.details + 1, self.dropped.rows)

    def _drop_row(self) -> None:
        del self._rows[next(iter(self._rows))]
        self.dropped = Dropped(self.dropped.details, self.dropped.rows + 1)
