"""What stands behind a socket: where it leads, what was asked there, and what comes back."""

from __future__ import annotations

import errno
import os
from collections import deque
from itertools import count
from weakref import WeakValueDictionary

from capsule_guest.net.errors import unsupported
from capsule_guest.net.exchange import PIECE, Exchange, Patience
from capsule_guest.net.http_request_parser import RequestParser
from capsule_guest.net.http_response_writer import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule_guest.net.http_request_parser import Head
    from capsule_guest.net.queued_exchange import QueuedExchange

# Numbers for `fileno()` that no file here can have.
FIRST_NUMBER = 1 << 30
# What goes ahead of all else on a connection over TLS whose socket was not told of it.
SECURE = b"\x16capsule: over TLS\n"
_numbers = count(FIRST_NUMBER)
_open: WeakValueDictionary[int, Connection] = WeakValueDictionary()


def by_number(number: int) -> Connection | None:
    """Return the connection of a socket whose `fileno()` that is."""
    return _open.get(number)


class Connection:
    """One connection, shared by the sockets that pass it on to one another."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.peer: tuple[str, int] | None = None
        self.secure = False
        self.patience = Patience()
        self.blocking = True
        self._fresh = True
        self._asking = RequestParser(self._begin)
        self._answers: deque[Answer] = deque()
        self._buffer = b""
        self._ended = False
        _open[self.number] = self

    def connect(self, host: str, port: int) -> None:
        """Note where to; the host connects when there is a request."""
        if self.peer is not None:
            raise OSError(errno.EISCONN, os.strerror(errno.EISCONN))
        self.peer = (host, port)

    def send(self, data: object) -> int:
        """Take what the client sends, and ask for what is complete."""
        if self.peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if self._ended:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        with memoryview(data) as view, view.cast("B") as whole:  # type: ignore[arg-type]
            first = 0
            if self._fresh and whole[: len(SECURE)] == SECURE:
                self.secure, first = True, len(SECURE)
            self._fresh = False
            for start in range(first, len(whole), PIECE):
                self._asking.feed(whole[start : start + PIECE])
            return len(whole)

    def receive(self, most: int, *, wait: bool = True, peek: bool = False) -> bytes:
        """Return at most `most` bytes of what came back, nothing at the end of the connection."""
        if self.peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        while not self._buffer and not self._ended:
            if not self.readable() and (not wait or not self.blocking):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            if not self._answers:
                raise unsupported("only answers to HTTP requests are received here: none was made")
            answer = self._answers[0]
            self._buffer = answer.piece()
            if answer.over:
                self._answers.popleft()
                self._ended = answer.closes
        data = self._buffer[:most]
        if not peek:
            self._buffer = self._buffer[most:]
        return data

    def pending(self) -> int:
        """Return how much there is without asking the host."""
        return len(self._buffer)

    def readable(self) -> bool:
        """Say whether `receive` would have something to say."""
        return bool(self._buffer or self._ended or (self._answers and self._answers[0].readable()))

    def end(self) -> None:
        """Receive nothing more."""
        self._ended, self._buffer = True, b""
        while self._answers:
            self._answers.popleft().drop()

    def close(self) -> None:
        """Let go of everything."""
        self.end()
        _open.pop(self.number, None)

    def _begin(self, head: Head) -> Answer:
        url = self._url(head.target)
        exchange: Exchange | QueuedExchange
        if self.blocking:
            exchange = Exchange(head.method, url, head.passed_on(), self.patience)
        else:
            # What only event loops need is not in the snapshot that all tasks start from.
            from capsule_guest.net.queued_exchange import QueuedExchange

            exchange = QueuedExchange(head.method, url, head.passed_on())
        answer = Answer(head, exchange)
        self._answers.append(answer)
        return answer

    def _url(self, target: str) -> str:
        if target.startswith(("http://", "https://")):
            return target  # as asked of a proxy; the host has its own
        if not target.startswith("/") or self.peer is None:
            raise unsupported(f"not a path: {target[:80]!r}")
        host, port = self.peer
        where = f"[{host}]" if ":" in host else host
        if port != (443 if self.secure else 80):
            where = f"{where}:{port}"
        return f"http{'s' if self.secure else ''}://{where}{target}"
