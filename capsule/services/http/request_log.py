"""What an envelope says about a request."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock

from capsule.services.http.redact import Values, redacted_headers, redacted_url
from capsule.services.http.secret_labels import NO_LABELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from capsule.services.http.secret_labels import SecretLabels
    from capsule.services.http.urls import Url

# How much of headers all entries together repeat; after that they have none.
_MOST_HEADERS = 1 << 20


@dataclass
class Record:
    """One request, as far as it has come; all texts are redacted already."""

    method: str
    url: str
    headers: list[list[str]]
    status: int | None = None
    bytes: int = 0
    error: str | None = None
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def end(self, error: str | None = None) -> None:
        """Stop the clock; what is said first stays."""
        if self.ended is None:
            self.ended = time.monotonic()
            self.error = error

    def entry(self) -> dict[str, Any]:
        """Return the entry for `host_requests`; one that still runs has its time so far."""
        ended = time.monotonic() if self.ended is None else self.ended
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "status": self.status,
            "bytes": self.bytes,
            "duration_ms": round((ended - self.started) * 1000),
            "error": self.error,
        }


class RequestLog:
    """The requests of one task, those of all its attempts, in order; any thread may use it.

    `values` are secrets that the task knows, which are redacted wherever they stand. Those that it
    only has placeholders of are told by their names.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = Values(values)
        self._lock = Lock()
        self._records: list[Record] = []
        self._headers = 0

    def __repr__(self) -> str:
        return f"<RequestLog of {len(self._records)} requests>"

    def __len__(self) -> int:
        return len(self._records)

    def add(self, most: int) -> Record | None:
        """Return the record of one more request, None when there are `most` already."""
        with self._lock:
            if len(self._records) >= most:
                return None
            self._records.append(Record("?", "?", []))
            return self._records[-1]

    def note(self, record: Record, url: Url, labels: SecretLabels = NO_LABELS) -> None:
        """Add the URL to a record, without secrets."""
        record.url = redacted_url(url, self._values, labels)

    def note_headers(
        self,
        record: Record,
        headers: Iterable[tuple[str, str]],
        labels: SecretLabels = NO_LABELS,
    ) -> None:
        """Add headers to a record, without secrets, unless too much of them is noted already."""
        kept = redacted_headers(headers, self._values, labels)
        with self._lock:
            self._headers += sum(len(name) + len(value) for name, value in kept)
            if self._headers <= _MOST_HEADERS:
                record.headers = kept

    def entries(self) -> list[dict[str, Any]]:
        """Return an entry for each."""
        with self._lock:
            return [record.entry() for record in self._records]
