"""One request and its answer on a socket that never waits: what is asked goes out in turn.

Each step waits for the answer to the one before it, and the event loop goes on meanwhile.
"""

from __future__ import annotations

from collections import deque

from capsule_guest import calls
from capsule_guest.net.errors import from_call
from capsule_guest.net.exchange import PIECE

# How many the host keeps open at once for a task: see capsule.services.http.limits.
_MOST = 16
_open: set[QueuedExchange] = set()
_held_back: deque[QueuedExchange] = deque()


class QueuedExchange:
    """What `Exchange` is to a socket that waits. What is not there yet is asked for ahead."""

    def __init__(self, method: str, url: str, headers: list[tuple[str, str]]) -> None:
        self._asked = {
            "method": method,
            "url": url,
            "headers": [list(header) for header in headers],
        }
        self._number: int | None = None
        self._steps: deque[tuple[str, dict, bytes]] = deque()
        self._busy = self._over = self._complete = self._at_end = False
        self._pending = bytearray()
        self._answer: dict | None = None
        self._pieces: deque[bytes] = deque()
        self._error: OSError | None = None
        if len(_open) < _MOST:
            self._begin()
        else:
            _held_back.append(self)

    def _begin(self) -> None:
        _open.add(self)
        self._ask("http.open", self._asked, b"")

    def _ask(self, operation: str, fields: dict, data: bytes) -> None:
        self._busy = True
        calls.ask(operation, fields, data, lambda answered: self._answered(operation, answered))

    def _answered(self, operation: str, answered: tuple[dict, bytes]) -> None:
        self._busy = False
        try:
            fields, data = calls.checked(*answered)
        except calls.CallError as error:
            self._error = self._error or from_call(error.kind, str(error))
            self._steps.clear()
            if self._number is None:
                self._leave()
            return
        if operation == "http.open":
            self._number = fields["id"]
        elif operation == "http.answer":
            self._answer = fields
        elif operation == "http.read":
            if data:
                self._pieces.append(data)
            else:
                self._at_end = True
        if self._over:
            self._end()
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._busy or self._number is None or self._error is not None:
            return
        if self._steps:
            operation, fields, data = self._steps.popleft()
            self._ask(operation, {"id": self._number, **fields}, data)
        elif self._answer is not None and not self._pieces and not self._at_end:
            self._ask("http.read", {"id": self._number, "most": PIECE}, b"")

    def write(self, data: bytes | bytearray) -> None:
        """Add to the request's body; small pieces travel together."""
        self._pending += data
        while len(self._pending) >= PIECE:
            self._flush()

    def _flush(self) -> None:
        piece = bytes(self._pending[:PIECE])
        del self._pending[:PIECE]
        self._steps.append(("http.write", {}, piece))
        self._go_on()

    def complete(self) -> None:
        """End the request's body, and ask for the answer."""
        if not self._complete:
            self._complete = True
            if self._pending:
                self._flush()
            self._steps.append(("http.answer", {}, b""))
            self._go_on()

    def ready(self) -> bool:
        """Say whether there is an answer, or why there is none."""
        return self._answer is not None or self._error is not None

    def has_piece(self) -> bool:
        """Say whether `read` has something to say."""
        return bool(self._pieces) or self._at_end or self._error is not None

    def answer(self, waited: float = 0) -> dict:
        """Return the head of the answer, which is there."""
        if self._answer is None:
            raise self._error or BlockingIOError
        return self._answer

    def read(self, most: int) -> bytes:
        """Return the next piece of the answer's body, nothing at its end."""
        if self._pieces:
            piece = self._pieces.popleft()
            if len(piece) > most:
                self._pieces.appendleft(piece[most:])
            self._go_on()
            return piece[:most]
        if self._error is not None:
            raise self._error
        return b""

    def finish(self) -> None:
        """Let go of it, wherever it stands."""
        if self._over:
            return
        self._over = True
        self._steps.clear()
        if self in _held_back:
            _held_back.remove(self)
        elif self._number is not None:
            # At once: the host is told while it still waits for a server.
            self._end()

    def _end(self) -> None:
        if self in _open:
            calls.ask("http.finish", {"id": self._number}, b"", lambda answered: self._leave())

    def _leave(self) -> None:
        _open.discard(self)
        if _held_back and len(_open) < _MOST:
            _held_back.popleft()._begin()
