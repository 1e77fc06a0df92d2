"""What an envelope says about a request."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


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
