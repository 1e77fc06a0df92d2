"""Servers that would keep a client forever, or fill it up."""

from __future__ import annotations

import gzip
from itertools import chain, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.unit.services.http.conftest import Handler, Peer

_HEAD = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_PAUSE = 0.02
# What it unpacks to is a thousand times as much.
BOMB = gzip.compress(bytes(200 << 20), 9)


def _slowly(start: bytes, bytes_: Iterable[bytes]) -> Handler:
    """A byte now and then: never silent for long, never done."""

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(start)
        peer.socket.settimeout(_PAUSE)
        for byte in bytes_:
            try:
                if not peer.socket.recv(1):
                    return
            except TimeoutError:
                peer.send(byte)

    return handler


def _fast(start: bytes, pieces: bytes) -> Handler:
    """The same again and again, until the other side has enough."""

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(start)
        many = pieces * (65536 // len(pieces) + 1)
        while True:
            peer.send(many)

    return handler


def _bomb(peer: Peer) -> None:
    peer.head()
    peer.answer(BOMB, b"Content-Encoding: gzip")


SLOW: dict[str, Handler] = {
    "a byte of the status": _slowly(b"", chain([b"H", b"T", b"T", b"P", b"/"], repeat(b"1"))),
    "a byte of a header": _slowly(_HEAD + b"X: ", repeat(b"x")),
    "a byte of the body": _slowly(_HEAD + b"\r\n", repeat(b"x")),
    "a byte of a long body": _slowly(_HEAD + b"Content-Length: 999999999\r\n\r\n", repeat(b"x")),
    "a chunk": _slowly(_CHUNKED, repeat(b"1\r\nx\r\n")),
    "a byte of a chunk's length": _slowly(_CHUNKED, repeat(b"0")),
    "a byte of a trailer": _slowly(_CHUNKED + b"0\r\nX: ", repeat(b"x")),
    "an interim answer": _slowly(b"", repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "nothing": _slowly(b"", repeat(b"")),
    "nothing of the body": _slowly(_HEAD + b"Content-Length: 9\r\n\r\n", repeat(b"")),
}
# What ends at the size of a head, at that of a body, or only with the time.
ENDLESS: dict[str, Handler] = {
    "headers": _fast(_HEAD, b"X: y\r\n"),
    "a header": _fast(_HEAD + b"X: ", b"y"),
    "a status": _fast(b"HTTP/1.1 200 ", b"OK"),
    "trailers": _fast(_CHUNKED + b"0\r\n", b"X: y\r\n"),
    "a chunk's extension": _fast(_CHUNKED + b"1;", b"x"),
    "a chunk's length": _fast(_CHUNKED, b"0"),
    "a body": _fast(_HEAD + b"\r\n", bytes(4096)),
    "chunks": _fast(_CHUNKED, b"1000\r\n" + bytes(4096) + b"\r\n"),
    "small chunks": _fast(_CHUNKED, b"1\r\nx\r\n"),
    "a huge chunk": _fast(_CHUNKED + b"fffffffffffffff\r\n", bytes(4096)),
    "interim answers": _fast(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
UNPACKING: Handler = _bomb
