"""One request and its answer, asked of the host in calls."""

from __future__ import annotations

import math

from capsule_guest import calls  # type: ignore[attr-defined, unused-ignore]
from capsule_guest.net.errors import from_call

# What one call carries of a body, in either direction.
PIECE = 64 << 10

# Exchanges whose socket was dropped without being closed. They are finished with the next request:
# the collector may run inside another call, where no call can be made.
_dropped: list[int] = []


def _call(operation: str, fields: dict, data: bytes = b"") -> tuple[dict, bytes]:
    try:
        return calls.call(operation, fields, data)  # type: ignore[no-any-return, unused-ignore]
    except calls.CallError as error:
        raise from_call(error.kind, getattr(error, "message", None) or str(error)) from None


def _finish(number: int) -> None:
    try:
        _call("http.finish", {"id": number})
    except OSError:
        return  # whatever became of it, it is over


class Patience:
    """How long the client waits for each thing, in seconds: what its socket said last."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def fields(self, waited: float = 0) -> dict:
        """Return what tells the host, when a part of it is over already."""
        if self.seconds is None or self.seconds == math.inf:
            return {}
        return {"timeout": max(self.seconds - waited, 0.001)}


class Exchange:
    """A request on its way, and then its answer."""

    def __init__(
        self, method: str, url: str, headers: list[tuple[str, str]], patience: Patience
    ) -> None:
        while _dropped:
            _finish(_dropped.pop())
        asked = {"method": method, "url": url, "headers": [list(header) for header in headers]}
        self._patience = patience
        self._number: int = _call("http.open", {**asked, **patience.fields()})[0]["id"]
        self._pending = bytearray()
        self._answer: dict | None = None
        self._over = False

    def write(self, data: bytes | bytearray) -> None:
        """Add to the request's body; small pieces travel together."""
        self._pending += data
        while len(self._pending) >= PIECE:
            piece = bytes(self._pending[:PIECE])
            del self._pending[:PIECE]
            self._ask("http.write", piece)

    def answer(self, waited: float = 0) -> dict:
        """End the request and return the head of its answer, the same one each time.

        After a `TimeoutError` it may be called again; `waited` is how long it has been waited for.
        """
        if self._answer is None:
            if self._pending:
                piece = bytes(self._pending)
                self._pending.clear()
                self._ask("http.write", piece)
            fields = {"id": self._number, **self._patience.fields(waited)}
            self._answer = _call("http.answer", fields)[0]
        return self._answer

    def read(self, most: int) -> bytes:
        """Return the next piece of the answer's body, nothing at its end."""
        return self._ask("http.read", most=min(most, PIECE))

    def _ask(self, operation: str, data: bytes = b"", **fields: int) -> bytes:
        return _call(operation, {"id": self._number, **fields, **self._patience.fields()}, data)[1]

    def finish(self) -> None:
        """Let go of it, wherever it stands."""
        if not self._over:
            self._over = True
            _finish(self._number)

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            _dropped.append(self._number)
