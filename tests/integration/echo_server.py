"""A server on loopback that sends back what it was sent, in all the ways that there are."""

from __future__ import annotations

import base64
import gzip
import html
import json
import socket
import threading
import zlib
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

from tests.unit.services.http.conftest import Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from tests.unit.services.http.conftest import Peer

_BREAK = b"\r\n"


def given(head: bytes) -> bytes:
    """The value that a request bears: in its query, or in a header."""
    first, *lines = head.split(_BREAK)
    asked = parse_qs(urlsplit(first.split(b" ")[1]).query)
    if b"k" in asked:
        return asked[b"k"][0]
    headers = dict(line.split(b": ", 1) for line in lines if b": " in line)
    said = headers.get(b"Authorization", headers.get(b"X-Key", b""))
    return said.removeprefix(b"Bearer ")


def _plain(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = (b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers)
    return _BREAK.join(lines) + _BREAK * 2 + body


def _chunked(pieces: list[bytes], trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunks
        + b"0\r\n"
        + trailer
        + _BREAK
    )


def _packed(value: bytes, coding: bytes, pack: object) -> bytes:
    assert callable(pack)
    return _plain(pack(b"<%s>" % value), b"Content-Encoding: " + coding)


def _raw_deflate(data: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(data) + packing.flush()


def _escaped(value: bytes) -> bytes:
    return "".join(f"\\u{byte:04x}" for byte in value).encode()


# The answer to a request for `/NAME`, by the value that it bears.
ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda v: _plain(b"<%s>" % v),
    "twice": lambda v: _plain(b"%s%s" % (v, v)),
    "upper": lambda v: _plain(v.upper()),
    "letters": lambda v: _chunked([bytes([byte]) for byte in b"<%s>" % v]),
    "halves": lambda v: _chunked([v[:-1], v[-1:] + v[:1], v[1:]]),
    "unfinished": lambda v: _chunked([v[:5], b"|", v, v[:5]]),
    "trailer": lambda v: _chunked([b"ok"], b"X-Trailer: %s\r\n" % v),
    "extension": lambda v: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2;x=%s\r\nok\r\n0\r\n\r\n" % quote(v).encode()
    ),
    "gzip": lambda v: _packed(v, b"gzip", gzip.compress),
    "members": lambda v: _plain(
        gzip.compress(v[:5]) + gzip.compress(v[5:]), b"Content-Encoding: gzip"
    ),
    "deflate": lambda v: _packed(v, b"deflate", zlib.compress),
    "raw-deflate": lambda v: _packed(v, b"deflate", _raw_deflate),
    "brotli": lambda v: _packed(v, b"br", bytes),
    "zstd": lambda v: _packed(v, b"zstd", bytes),
    "packed-twice": lambda v: _packed(v, b"gzip, gzip", gzip.compress),
    "not-gzip": lambda v: _packed(v, b"gzip", bytes),
    "bomb": lambda v: _packed(v + bytes(1 << 20), b"gzip", gzip.compress),
    "reason": lambda v: _plain(b"ok", status=b"200 %s" % v),
    "status": lambda v: _plain(v, b'WWW-Authenticate: Basic realm="%s"' % v, status=b"401 %s" % v),
    "header": lambda v: _plain(b"ok", b"X-Echo: %s" % v, b"X-Echo: a %s b" % v),
    "header-quoted": lambda v: _plain(b"ok", b"X-Echo: %s" % quote(v, safe="").encode()),
    "header-odd": lambda v: _plain(
        b"ok", b"X-Echo: " + "".join(f"%{b:02X}" if b % 2 else chr(b) for b in v).encode()
    ),
    "header-name": lambda v: _plain(b"ok", b"X-%s: yes" % v.hex().encode()),
    "cookie": lambda v: _plain(b"ok", b"Set-Cookie: s=%s; Path=/" % v),
    "type": lambda v: _plain(b"ok", b"Content-Type: text/%s" % v),
    "hints": lambda v: b"HTTP/1.1 103 Early Hints\r\nLink: %s\r\n\r\n" % v + _plain(b"ok"),
    "malformed": lambda v: b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % v,
    "no-http": lambda v: v + b"\r\n\r\n",
    "cut": lambda v: b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + v[:-1],
    "bad-chunk": lambda v: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n" % v,
    "until-closed": lambda v: b"HTTP/1.1 200 OK\r\n\r\n" + v,
    "quoted": lambda v: _plain(quote(v, safe="").encode() + b" " + quote_plus(v).encode()),
    "quoted-twice": lambda v: _plain(quote(quote(v, safe=""), safe="").encode()),
    "quoted-small": lambda v: _plain(quote(v, safe="").lower().encode()),
    "json": lambda v: _plain(json.dumps({"got": v.decode()}).encode()),
    "json-slashes": lambda v: _plain(json.dumps(v.decode()).replace("/", "\\/").encode()),
    "json-in-json": lambda v: _plain(json.dumps(json.dumps(v.decode())).encode()),
    "json-numbers": lambda v: _plain(_escaped(v)),
    "html": lambda v: _plain(html.escape(v.decode()).encode()),
    "hex": lambda v: _plain(v.hex().encode() + v.hex().upper().encode()),
    "base64": lambda v: _plain(
        b" ".join(base64.b64encode(b"x" * n + v + b"yz" * n) for n in range(3))
    ),
    "base64-url": lambda v: _plain(
        b" ".join(base64.urlsafe_b64encode(b"\xff" * n + v + b"\xfe" * n) for n in range(3))
    ),
}


class EchoServer(Server):
    """Answers as `ANSWERS` has it; `/to/URL` redirects there. `seen` is all that was sent to it.

    At `/hold` it sets `held`, and
    answers when `released` is set.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[bytes] = []
        self.held, self.released = threading.Event(), threading.Event()
        super().__init__(self._answer, context, "127.0.0.1")

    def _answer(self, peer: Peer) -> None:
        if not (head := peer.head()):
            return
        self.seen.append(head)
        path = head.split(b" ")[1]
        name = path.partition(b"?")[0].strip(b"/").decode()
        if path.startswith(b"/to/"):
            location = path.removeprefix(b"/to/").replace(b"VALUE", given(head))
            answer = _plain(b"", b"Location: " + location, status=b"302 Found")
        elif path.startswith(b"/sub/"):
            location = b"/plain?back=" + quote(given(head), safe="").encode()
            answer = _plain(b"", b"Location: " + location, status=b"307 Moved")
        elif name == "hold":
            self.held.set()
            self.released.wait(30)
            answer = _plain(b"released")
        elif name == "ranges":
            answer = _ranged(head)
        elif name in ANSWERS:
            answer = ANSWERS[name](given(head))
        else:
            answer = _plain(head)
        peer.send(answer.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n" if head[:5] == b"HEAD " else answer)
        if name in {"cut", "until-closed"}:
            peer.socket.shutdown(socket.SHUT_WR)
        # What else was sent, up to the end.
        self.seen.append(peer.rest)
        for data in iter(partial(peer.socket.recv, 65536), b""):
            self.seen.append(data)

    @property
    def all_seen(self) -> bytes:
        """All that was sent to it."""
        return b"\n".join(self.seen)


def _ranged(head: bytes) -> bytes:
    """A resource that is served in parts to who asks for parts."""
    value = given(head)
    for line in head.split(_BREAK):
        if line.lower().startswith(b"range: bytes="):
            first, _, last = line[13:].partition(b"-")
            return _plain(value[int(first) : int(last) + 1], status=b"206 Partial Content")
    return _plain(value)
