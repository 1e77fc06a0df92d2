"""One request and its answer, asked of the host in calls."""

from __future__ import annotations

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


class Exchange:
    """A request on its way, and then its answer."""

    def __init__(self, method: str, url: str, headers: list[tuple[str, str]]) -> None:
        while _dropped:
            _finish(_dropped.pop())
        asked = {"method": method, "url": url, "headers": [list(header) for header in headers]}
        self._number: int = _call("http.open", asked)[0]["id"]
        self._pending = bytearray()
        self._answer: dict | None = None
        self._over = False

    def write(self, data: bytes | bytearray) -> None:
        """Add to the request's body; small pieces travel together."""
        self._pending += data
        while len(self._pending) >= PIECE:
            piece = bytes(self._pending[:PIECE])
            del self._pending[:PIECE]
            _call("http.write", {"id": self._number}, piece)

    def answer(self) -> dict:
        """End the request and return the head of its answer, the same one each time."""
        if self._answer is None:
            if self._pending:
                piece = bytes(self._pending)
                self._pending.clear()
                _call("http.write", {"id": self._number}, piece)
            self._answer = _call("http.answer", {"id": self._number})[0]
        return self._answer

    def read(self, most: int) -> bytes:
        """Return the next piece of the answer's body, nothing at its end."""
        return _call("http.read", {"id": self._number, "most": min(most, PIECE)})[1]

    def finish(self) -> None:
        """Let go of it, wherever it stands."""
        if not self._over:
            self._over = True
            _finish(self._number)

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            _dropped.append(self._number)
