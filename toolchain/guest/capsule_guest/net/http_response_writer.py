"""The host's answers, written as a server would write them."""

from __future__ import annotations

import time

from capsule_guest.net.errors import unsupported
from capsule_guest.net.exchange import PIECE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule_guest.net.exchange import Exchange
    from capsule_guest.net.http_request_parser import Head
    from capsule_guest.net.queued_exchange import QueuedExchange

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HOP = frozenset(("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"))


class Answer:
    """The bytes of one answer, piece by piece, and where its request's body goes before.

    A body without a length is sent in chunks: the connection can be used again, and an answer that
    broke off is told from one that ended. Only who does not know chunks gets it until the end.
    """

    def __init__(self, head: Head, exchange: Exchange | QueuedExchange) -> None:
        self.asked = False
        self.over = False
        self.closes = head.closes
        self._head = head
        self._exchange = exchange
        self._waited = 0.0
        self._begun = False
        self._pieces = self._run()

    def write(self, data: bytes | bytearray) -> None:
        """Add to the request's body."""
        self._exchange.write(data)

    def complete(self) -> None:
        """Note that all was asked, and wait for the answer's head.

        A failure shows here, while the client still sends: that is when a server that cannot be
        reached shows. That it took too long shows when the client waits for it: that may be longer
        than it waits for sending.
        """
        self.asked = True
        if self._queued():
            self._exchange.complete()  # type: ignore[union-attr]
            return
        begin = time.monotonic()
        try:
            self._exchange.answer()
        except TimeoutError:
            self._waited = time.monotonic() - begin

    def _queued(self) -> bool:
        return hasattr(self._exchange, "complete")

    def readable(self) -> bool:
        """Say whether `piece` would have something to say without waiting for the host."""
        if not self._queued():
            return self.asked
        if not self._begun:
            expected = self._head.expects and not self.asked
            return expected or self._exchange.ready()  # type: ignore[union-attr]
        return self._exchange.has_piece()  # type: ignore[union-attr]

    def piece(self) -> bytes:
        """Return what comes next; nothing when it ends without a sign."""
        if self.asked:
            # Here and not below, so that a client may wait again when its time is over.
            waited, self._waited = self._waited, 0.0
            self._exchange.answer(waited)
        for data in self._pieces:
            return data
        self.over = self.closes = True
        return b""

    def drop(self) -> None:
        """Let go of it before its end."""
        self._exchange.finish()

    def _run(self) -> Iterator[bytes]:
        if self._head.expects and not self.asked:
            yield _CONTINUE
        answer = self._exchange.answer()
        status: int = answer["status"]
        if status < 200:
            raise unsupported(f"the server answered {status}, which no request here asks for")
        headers = [(name, value) for name, value in answer["headers"] if name.lower() not in _HOP]
        length = _length(headers)
        empty = self._head.method == "HEAD" or status in (204, 304)
        chunked = not empty and length is None and self._head.version == "HTTP/1.1"
        if not empty and length is None:
            headers = [header for header in headers if header[0].lower() != "content-length"]
            if chunked:
                headers.append(("Transfer-Encoding", "chunked"))
            else:
                self.closes = True
        if self.closes:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {status} {answer['reason']}", *(": ".join(pair) for pair in headers)]
        first = "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1", "replace")
        if empty or length == 0:
            self._end()
        self._begun = True
        yield first
        if chunked:
            yield from self._chunks()
        elif not self.over:
            yield from self._plain(length)

    def _plain(self, length: int | None) -> Iterator[bytes]:
        """Yield a body that has that many bytes, or lasts until the end."""
        left = PIECE if length is None else length
        while data := self._exchange.read(left)[:left]:
            if length is not None:
                left -= len(data)
                if not left:
                    self._end()
            yield data
            if not left:
                return
        self.closes = True  # it ended too early, or nothing else says that it ended
        self._end()

    def _chunks(self) -> Iterator[bytes]:
        while data := self._exchange.read(PIECE):
            yield b"%x\r\n%b\r\n" % (len(data), data)
        self._end()
        yield b"0\r\n\r\n"

    def _end(self) -> None:
        self.over = True
        self._exchange.finish()


def _length(headers: list[tuple[str, str]]) -> int | None:
    said = {value.strip() for name, value in headers if name.lower() == "content-length"}
    if len(said) != 1:
        return None
    value = said.pop()
    return int(value) if value.isascii() and value.isdigit() else None
