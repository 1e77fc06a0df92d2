"""Reading the requests that a client writes to a socket."""

from __future__ import annotations

from capsule_guest.net.errors import unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Body(Protocol):
        """Where a request's body goes."""

        def write(self, data: bytes | bytearray) -> None: ...
        def complete(self) -> None: ...


_MOST_HEAD = 1 << 20
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_NOT_HTTP = "only HTTP/1.1 requests can be made here, and what was sent is none"
# Between a client and its next peer; the host speaks to the server in its own way.
_HOP = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect")
)


class Head:
    """A request's first lines, read."""

    def __init__(self, raw: bytes) -> None:
        first, *lines = raw.decode("latin-1").split("\r\n")
        parts = first.split(" ")
        self.method, self.target, self.version = parts[0], " ".join(parts[1:-1]), parts[-1]
        self.headers: list[tuple[str, str]] = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise unsupported(f"not a header of HTTP/1.1: {line[:80]!r}")
            self.headers.append((name, value.strip(" \t")))
        if self.method == "CONNECT":
            raise unsupported(
                "tunnels (CONNECT) cannot be made here: the host uses its own proxies"
            )
        if "websocket" in self.said("upgrade"):
            raise unsupported("websockets cannot be made here, only HTTP requests")
        self.chunked = "chunked" in self.said("transfer-encoding")
        self.length = 0 if self.chunked else self._length()
        self.expects = "100-continue" in self.said("expect")
        self.closes = self.version != "HTTP/1.1" or "close" in self.said("connection")

    def said(self, name: str) -> list[str]:
        """Return the words in all headers of that name."""
        values = ",".join(value for key, value in self.headers if key.lower() == name)
        return [word.strip().lower() for word in values.split(",") if word.strip()]

    def _length(self) -> int:
        said = set(self.said("content-length"))
        if len(said) > 1 or not all(word.isascii() and word.isdigit() for word in said):
            raise unsupported(f"not a length: {', '.join(sorted(said))}")
        return int(said.pop()) if said else 0

    def passed_on(self) -> list[tuple[str, str]]:
        """Return the headers that are meant for the server."""
        leave = _HOP | set(self.said("connection"))
        if self.chunked:
            leave |= {"content-length"}
        return [
            (name, value)
            for name, value in self.headers
            if name.lower() not in leave and not name.lower().startswith("proxy-")
        ]


class RequestParser:
    """Takes bytes as they come; `begin` is given each head and returns where its body goes."""

    def __init__(self, begin: Callable[[Head], Body]) -> None:
        self._begin = begin
        self._kept = bytearray()
        self._state = self._head
        self._body: Body | None = None
        self._left = 0
        self._chunked = False

    def feed(self, data: bytes | memoryview) -> None:
        """Take what was sent, and go as far as it leads."""
        self._kept += data
        while self._kept and self._state():
            pass

    def _line(self, end: bytes = b"\r\n") -> bytes | None:
        at = self._kept.find(end)
        if at < 0:
            if len(self._kept) > _MOST_HEAD:
                raise unsupported("a request's head is too long")
            return None
        line = bytes(self._kept[:at])
        del self._kept[: at + len(end)]
        return line

    def _head(self) -> bool:
        if self._kept.startswith(b"\r\n"):
            del self._kept[:2]  # some clients end a body with one
            return True
        first, ended, _ = self._kept.partition(b"\r\n")
        method, space, _ = first.partition(b" ")
        if not _TOKEN.issuperset(method.removesuffix(b"\r")) or (space and not method):
            raise unsupported(_NOT_HTTP)
        if ended and not first.endswith((b" HTTP/1.1", b" HTTP/1.0")):
            raise unsupported(_NOT_HTTP)
        raw = self._line(b"\r\n\r\n")
        if raw is None:
            return False
        head = Head(raw)
        self._body = self._begin(head)
        self._left, self._chunked = head.length, head.chunked
        if head.chunked:
            self._state = self._size
        elif head.length:
            self._state = self._data
        else:
            self._end()
        return True

    def _data(self) -> bool:
        """Pass on what has a length: a body, or one chunk of it."""
        assert self._body is not None  # noqa: S101 - there is one whenever a head was read
        piece = bytes(self._kept[: self._left])
        del self._kept[: self._left]
        self._left -= len(piece)
        self._body.write(piece)
        if not self._left:
            if self._chunked:
                self._state = self._size
            else:
                self._end()
        return True

    def _size(self) -> bool:
        """Read the line before a chunk, or the empty one after the last."""
        line = self._line()
        if line is None:
            return False
        if line:
            digits = line.partition(b";")[0].strip()
            if not _HEX.issuperset(digits) or not digits:
                raise unsupported(f"not the size of a chunk: {line[:80]!r}")
            self._left = int(digits, 16)
            self._state = self._data if self._left else self._trailer
        return True

    def _trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if not line:
            self._end()
        return True

    def _end(self) -> None:
        body, self._body, self._state = self._body, None, self._head
        if body is not None:
            body.complete()
