"""Headers and framing: what a guest may say, and that it cannot smuggle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.services.http.failures import FailedError, RefusedError
from capsule.services.http.headers import check_headers, framed
from capsule.services.http.urls import parse_url
from tests.unit.services.http.conftest import answering, ask

if TYPE_CHECKING:
    from tests.unit.services.http.conftest import MakeBroker, Peer, Serve

URL = parse_url("http://example.com:8080/")


def lines(method: str, *headers: tuple[str, str], body: bool = False) -> list[bytes]:
    sent = check_headers(URL, headers)
    return [b": ".join(line) for line in framed(URL, method, sent, body=body)]


HOST, CLOSE = b"Host: example.com:8080", b"Connection: close"


@pytest.mark.parametrize(
    ("method", "body", "headers", "sent"),
    [
        ("GET", False, [], []),
        ("POST", False, [], [b"Content-Length: 0"]),
        ("POST", True, [], [b"Transfer-Encoding: chunked"]),
        ("GET", True, [], [b"Transfer-Encoding: chunked"]),
        ("PUT", True, [("content-length", "05")], [b"Content-Length: 5"]),
        ("PUT", False, [("Content-Length", "0")], [b"Content-Length: 0"]),
        ("PUT", False, [("Transfer-Encoding", "Chunked")], [b"Transfer-Encoding: chunked"]),
        ("GET", False, [("Host", "Example.com:8080")], []),
        ("GET", False, [("Connection", "close, Keep-Alive"), ("Keep-Alive", "5")], []),
        ("GET", False, [("TE", "trailers"), ("Trailer", "X"), ("Expect", "100-continue")], []),
        ("GET", False, [("Proxy-Connection", "close")], []),
        ("GET", False, [("X", " a\tb "), ("x", "\xe9")], [b"X: a\tb", b"x: \xe9"]),
        ("GET", False, [("X", "")], [b"X: "]),
    ],
)
def test_what_goes_out(
    method: str, body: bool, headers: list[tuple[str, str]], sent: list[bytes]
) -> None:
    assert lines(method, *headers, body=body) == [HOST, *sent, CLOSE]


@pytest.mark.parametrize(
    "headers",
    [
        [("", "x")],
        [("A B", "x")],
        [("A:", "x")],
        [("A\r\nB", "x")],
        [("\xe4", "x")],
        [(" A", "x")],
        [("Transfer-Encoding ", "chunked")],
        [("X", "a\r\nY: z")],
        [("X", "a\nY: z")],
        [("X", "a\rb")],
        [("X", "a\0b")],
        [("X", "a\x0bb")],
        [("X", "a\x7fb")],
        [("X", "\u010a")],
        [("X", "\u560a\u560d")],
        [("X", "\ud800")],
        [("Host", "other.example")],
        [("Host", "example.com")],
        [("Host", "example.com:8080"), ("host", "example.com:8080")],
        [("Host", "example.com:8080, other")],
        [("Content-Length", "5"), ("content-length", "5")],
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "5, 5")],
        [("Content-Length", "+5")],
        [("Content-Length", "-5")],
        [("Content-Length", "5_0")],
        [("Content-Length", "0x5")],
        [("Content-Length", "")],
        [("Content-Length", "\xb2")],
        [("Content-Length", "9" * 19)],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "chunked, identity")],
        [("Transfer-Encoding", "xchunked")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        [("Upgrade", "websocket")],
        [("Connection", "Upgrade")],
        [("Connection", "close, X-Forwarded-For")],
        [("Proxy-Authorization", "Basic x")],
        [("Proxy-Authenticate", "x")],
        [("X", "y")] * 101,
        [("X", "y" * (64 << 10))],
    ],
)
def test_what_is_refused(headers: list[tuple[str, str]], broker: MakeBroker) -> None:
    with pytest.raises(RefusedError):
        check_headers(URL, headers)
    # And so before a host is looked up, or anything is sent.
    with pytest.raises(RefusedError):
        broker("example.com:8080").open("GET", "http://example.com:8080/", headers)


def test_refusals_repeat_no_value() -> None:
    with pytest.raises(RefusedError) as caught:
        check_headers(URL, [("Authorization", "hunter2\n")])
    assert "hunter2" not in str(caught.value)
    with pytest.raises(RefusedError) as caught:
        check_headers(URL, [("Authorization: hunter2", "")])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("method", ["get", "CONNECT", "TRACE", "", "GET /x HTTP/1.1\r\nX:", "G\0"])
def test_methods_are_a_fixed_list(method: str, broker: MakeBroker) -> None:
    one = broker("example.com")
    with pytest.raises(RefusedError, match="the method"):
        one.open(method, "http://example.com/", [])
    assert one.requests[0]["method"] == "?"


@pytest.mark.parametrize("pieces", [[b"abc"], [], [b"abc", b"def"], [b"abcdef"]])
def test_a_content_length_is_held_to(serve: Serve, broker: MakeBroker, pieces: list[bytes]) -> None:
    got: list[bytes] = []

    def handler(peer: Peer) -> None:
        got.append(peer.head())
        while data := peer.socket.recv(65536):
            got.append(data)

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    url = f"http://127.0.0.1:{server.port}/"
    exchange = one.open("POST", url, [("Content-Length", "5")])

    def send() -> None:
        for piece in pieces:
            one.write(exchange, piece)
        one.answer(exchange)

    with pytest.raises(FailedError, match=r"more than 5 bytes|Content-Length is 5"):
        send()
    one.close()
    server.close()
    # What was too much never left, and what is too little ends the connection.
    assert sum(len(data) for data in got[1:]) <= 5


def test_a_body_cannot_become_a_second_request(serve: Serve, broker: MakeBroker) -> None:
    evil = b"0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n"
    got: list[bytes] = []

    def handler(peer: Peer) -> None:
        peer.head()
        got.append(peer.until(b"more\r\n0\r\n\r\n"))
        peer.answer()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("POST", f"http://127.0.0.1:{server.port}/", [])
    one.write(exchange, evil)
    one.write(exchange, b"")
    one.write(exchange, b"more")
    assert ask(one, exchange) == b"ok"
    # The piece that looks like an end is inside of a chunk, whose length comes first.
    assert got == [b"%x\r\n%b\r\n4\r\nmore\r\n0\r\n\r\n" % (len(evil), evil)]


def test_an_upload_is_bounded(serve: Serve, broker: MakeBroker) -> None:
    from capsule.services.http.limits import Limits

    server = serve(answering())
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(body=10))
    exchange = one.open("POST", f"http://127.0.0.1:{server.port}/", [])
    one.write(exchange, b"x" * 10)
    with pytest.raises(FailedError, match="more than 10 bytes"):
        one.write(exchange, b"x")


def test_connections_are_not_shared(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        # A second answer that nobody asked for.
        peer.answer(b"one")
        peer.answer(b"evil")
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    for _ in range(2):
        exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
        assert ask(one, exchange) == b"one"
    assert len(server.peers) == 2
