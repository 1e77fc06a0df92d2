"""Exchanges with real servers on loopback: bodies, bounds, and ends."""

from __future__ import annotations

import contextlib
import gzip
import socket
import time
import tracemalloc
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from capsule.services.http import connection
from capsule.services.http.failures import FailedError, RefusedError
from capsule.services.http.limits import Limits
from tests.unit.services.http.conftest import answering, ask, sending, whole

if TYPE_CHECKING:
    from capsule.services.http.broker import Broker
    from tests.unit.services.http.conftest import MakeBroker, Peer, Serve

MIB = 1 << 20


def get(broker: Broker, port: int, path: str = "/") -> int:
    return broker.open("GET", f"http://127.0.0.1:{port}{path}", [])


def test_a_request_and_its_answer(serve: Serve, broker: MakeBroker) -> None:
    heads: list[bytes] = []

    def handler(peer: Peer) -> None:
        heads.append(peer.head())
        peer.answer(b"hello", b"X-One: 1", b"x-one: 2")

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    url = f"http://127.0.0.1:{server.port}/a?b=c#d"
    exchange = one.open("GET", url, [("X-Mine", "yes"), ("Connection", "keep-alive")])
    head = one.answer(exchange)
    assert (head.status, head.reason) == (200, "OK")
    assert head.headers == [("Content-Length", "5"), ("X-One", "1"), ("x-one", "2")]
    assert one.answer(exchange) == head
    assert [one.read(exchange, 2) for _ in range(4)] == [b"he", b"ll", b"o", b""]
    assert one.read(exchange, 2) == b""
    one.finish(exchange)
    assert heads == [
        b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Mine: yes\r\nConnection: close\r\n\r\n"
        % server.port
    ]
    (entry,) = one.requests
    assert entry.pop("duration_ms") >= 0
    assert entry == {
        "method": "GET",
        "url": url.partition("#")[0],
        "headers": [["X-Mine", "yes"], ["Connection", "keep-alive"]],
        "status": 200,
        "bytes": 5,
        "error": None,
    }


def test_nothing_is_sent_before_it_is_asked_for(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering())
    one = broker(f"127.0.0.1:{server.port}")
    one.finish(get(one, server.port))
    exchange = get(one, server.port)
    one.answer(exchange)
    assert len(server.peers) == 1
    assert [entry["error"] for entry in one.requests] == [
        "the request was given up before it was answered",
        None,
    ]


def test_localhost_is_loopback_without_a_resolver(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering())
    one = broker(f"localhost:{server.port}", f"*.localhost:{server.port}")
    for host in ("localhost", "a.localhost"):
        exchange = one.open("GET", f"http://{host}:{server.port}/", [])
        assert one.answer(exchange).status == 200
        assert whole(one, exchange) == b"ok"


def test_ipv6(serve: Serve, broker: MakeBroker) -> None:
    heads: list[bytes] = []
    server = serve(answering(heads=heads), host="::1")
    one = broker(f"[::1]:{server.port}")
    assert one.answer(one.open("GET", f"http://[0::1]:{server.port}/", [])).status == 200
    assert b"\r\nHost: [::1]:%d\r\n" % server.port in heads[0]


def test_redirects_are_not_followed(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.answer(b"", b"Location: http://169.254.169.254/", status=b"302 Found")

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    head = one.answer(get(one, server.port))
    assert (head.status, dict(head.headers)["Location"]) == (302, "http://169.254.169.254/")
    with pytest.raises(RefusedError, match=r"169\.254\.169\.254:80 is not in allowed_hosts"):
        one.open("GET", "http://169.254.169.254/", [])
    assert len(server.peers) == 1


def test_compressed_bodies_stay_compressed(serve: Serve, broker: MakeBroker) -> None:
    body = gzip.compress(b"x" * 100_000)
    server = serve(answering(body, b"Content-Encoding: gzip"))
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    assert ("Content-Encoding", "gzip") in one.answer(exchange).headers
    assert whole(one, exchange) == body


def test_chunks_reach_the_guest_without_their_framing(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: x\r\n"
            b"Connection: keep-alive\r\nX: y\r\n\r\n"
            b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: z\r\n\r\n"
        )

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    assert one.answer(exchange).headers == [("X", "y")]
    assert whole(one, exchange) == b"abcdefg"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
        ("OPTIONS", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_answers_without_a_body(
    serve: Serve, broker: MakeBroker, method: str, answer: bytes
) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(answer)
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open(method, f"http://127.0.0.1:{server.port}/", [])
    assert one.answer(exchange).status in {200, 204, 304}
    assert one.read(exchange, 100) == b""


def test_a_body_that_ends_with_the_connection(serve: Serve, broker: MakeBroker) -> None:
    server = serve(sending(b"HTTP/1.0 200 OK\r\n\r\nall"))
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    one.answer(exchange)
    assert whole(one, exchange) == b"all"


def test_a_large_download_takes_little_memory(serve: Serve, broker: MakeBroker) -> None:
    piece = bytes(MIB)

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * MIB))
        for _ in range(100):
            peer.send(piece)

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    one.answer(exchange)
    tracemalloc.start()
    try:
        size = sum(len(data) for data in iter(lambda: one.read(exchange, MIB), b""))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 100 * MIB == one.requests[0]["bytes"]
    assert peak < 4 * MIB


@pytest.mark.parametrize("known", [True, False])
def test_a_large_upload_is_streamed(serve: Serve, broker: MakeBroker, known: bool) -> None:
    heads: list[bytes] = []

    def handler(peer: Peer) -> None:
        heads.append(peer.head())
        size = len(peer.rest)
        tail = peer.rest[-5:]
        wanted = 50 * MIB if known else None
        while size != wanted if known else tail != b"0\r\n\r\n":
            data = peer.socket.recv(MIB)
            size += len(data)
            tail = (tail + data)[-5:]
        peer.answer(b"%d" % size)

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    headers = [("Content-Length", f"{50 * MIB}")] if known else []
    exchange = one.open("POST", f"http://127.0.0.1:{server.port}/", headers)
    piece = bytes(MIB)
    tracemalloc.start()
    try:
        for _ in range(50):
            one.write(exchange, piece)
        one.answer(exchange)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB
    size = int(whole(one, exchange))
    if known:
        assert size == 50 * MIB
        assert b"Transfer-Encoding" not in heads[0]
    else:
        assert 50 * MIB < size < 51 * MIB
        assert b"Transfer-Encoding: chunked" in heads[0]
        assert b"Content-Length" not in heads[0]


def test_writes_wait_for_a_server_that_does_not_read(serve: Serve, broker: MakeBroker) -> None:
    go = Event()

    def handler(peer: Peer) -> None:
        peer.head()
        go.wait(10)
        tail = b""
        while tail != b"0\r\n\r\n":
            tail = (tail + peer.socket.recv(MIB))[-5:]
        peer.answer()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("PUT", f"http://127.0.0.1:{server.port}/", [])
    written: list[int] = []
    full = Event()

    def guest() -> None:
        for at in range(64):
            if at == 60:
                full.set()
            one.write(exchange, bytes(MIB))
            written.append(at)

    thread = Thread(target=guest)
    thread.start()
    # Buffers of the system take some MiB; the rest has to wait, however long it is left alone.
    assert not full.wait(0.5)
    go.set()
    thread.join(10)
    assert len(written) == 64
    assert one.answer(exchange).status == 200


def test_an_answer_before_the_end_of_the_body(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.answer(b"no", status=b"413 Too Large")
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("POST", f"http://127.0.0.1:{server.port}/", [])
    one.write(exchange, b"x" * 1000)
    assert one.answer(exchange).status == 413
    assert whole(one, exchange) == b"no"


def test_an_endless_body_is_stopped(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.send(bytes(65536))

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(body=MIB))
    exchange = get(one, server.port)
    one.answer(exchange)
    with pytest.raises(FailedError, match="the response has more than 1048576 bytes"):
        whole(one, exchange)
    connection = one._exchanges[exchange]._line._socket
    assert connection is not None
    assert connection.fileno() == -1
    with pytest.raises(FailedError, match="more than"):
        one.read(exchange, 1)
    assert one.requests[0]["error"] == "the response has more than 1048576 bytes"


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_slow_loris_is_stopped_by_the_whole_time(
    serve: Serve, broker: MakeBroker, start: bytes
) -> None:
    gone = Event()

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(start)
        # A byte every 50 ms: never silent for long, never done.
        while not gone.wait(0.05):
            peer.send(b"x")

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(seconds=0.5, idle=0.3))
    exchange = get(one, server.port)
    begun = time.monotonic()
    with pytest.raises(FailedError, match=r"took longer than 0\.5 s, all in all"):
        ask(one, exchange)
    gone.set()
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"])
def test_silence_is_stopped_by_the_idle_time(
    serve: Serve, broker: MakeBroker, start: bytes
) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(start)
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(idle=0.2))
    exchange = get(one, server.port)
    with pytest.raises(FailedError, match=r"was silent for 0\.2 s"):
        ask(one, exchange)


def test_a_guest_that_never_answers_is_stopped(serve: Serve, broker: MakeBroker) -> None:
    server = serve(lambda peer: peer.wait_for_end())
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(seconds=0.2))
    exchange = one.open("POST", f"http://127.0.0.1:{server.port}/", [])
    one.write(exchange, b"x")
    one._exchanges[exchange].worker.join(5)
    assert not one._exchanges[exchange].worker.is_alive()
    with pytest.raises(FailedError, match="all in all"):
        one.write(exchange, b"y")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: y",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000,
    ],
)
def test_broken_answers_fail(serve: Serve, broker: MakeBroker, answer: bytes) -> None:
    server = serve(sending(answer))
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    with pytest.raises(FailedError):
        ask(one, exchange)
    assert one.requests[0]["error"]


def test_no_protocol_is_switched_to(serve: Serve, broker: MakeBroker) -> None:
    server = serve(sending(b"HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw"))
    one = broker(f"127.0.0.1:{server.port}")
    with pytest.raises(FailedError):
        one.answer(get(one, server.port))
    assert one.requests[0]["status"] is None


def test_a_length_beside_chunks_is_not_passed_on(serve: Serve, broker: MakeBroker) -> None:
    server = serve(
        sending(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\n\r\n"
        )
    )
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    assert one.answer(exchange).headers == []
    assert whole(one, exchange) == b"abc"


def test_a_closed_port_fails(broker: MakeBroker) -> None:
    # Bound and not listening: nobody else gets this port meanwhile.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        one = broker(f"127.0.0.1:{port}")
        exchange = get(one, port)
        with pytest.raises(FailedError, match="failed: Connection refused") as caught:
            one.answer(exchange)
    assert str(caught.value).startswith(f"connecting to 127.0.0.1:{port} ")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"])
def test_close_ends_what_waits_in_another_thread(
    serve: Serve, broker: MakeBroker, start: bytes
) -> None:
    waits = Event()

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(start)
        waits.set()
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    ended: list[tuple[str, float]] = []

    def guest() -> None:
        try:
            one.answer(exchange)
            whole(one, exchange)
        except FailedError as error:
            ended.append((str(error), time.monotonic()))

    thread = Thread(target=guest)
    thread.start()
    assert waits.wait(10)
    begun = time.monotonic()
    one.close()
    thread.join(10)
    ((text, when),) = ended
    assert text == "the requests of this run were ended" == one.requests[0]["error"]
    assert when - begun < 1
    for call in (lambda: get(one, server.port), lambda: one.read(exchange, 1)):
        with pytest.raises(FailedError, match="were ended"):
            call()


def test_close_ends_a_write_that_waits(serve: Serve, broker: MakeBroker) -> None:
    connected, stop = Event(), Event()

    def handler(peer: Peer) -> None:
        peer.head()
        connected.set()
        stop.wait(10)

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("PUT", f"http://127.0.0.1:{server.port}/", [])
    ended: list[str] = []

    def guest() -> None:
        try:
            while True:
                one.write(exchange, bytes(MIB))
        except FailedError as error:
            ended.append(str(error))

    thread = Thread(target=guest)
    thread.start()
    assert connected.wait(10)
    begun = time.monotonic()
    one.close()
    thread.join(10)
    assert time.monotonic() - begun < 1
    assert ended == ["the requests of this run were ended"]
    stop.set()


def test_close_ends_a_connect_that_waits(
    broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    dials = Event()
    dial = connection.dial

    def watched(connection: socket.socket, address: str, port: int) -> None:
        dials.set()
        dial(connection, address, port)

    monkeypatch.setattr(connection, "dial", watched)
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # With nobody who accepts, the queue is full after a few, and the next connect hangs.
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        one = broker(f"127.0.0.1:{port}")
        exchange = get(one, port)
        one.write(exchange, b"x")
        assert dials.wait(10)
        worker = one._exchanges[exchange].worker
        worker.join(0.1)
        assert worker.is_alive()
        begun = time.monotonic()
        one.close()
        worker.join(10)
        assert time.monotonic() - begun < 1


def test_close_ends_an_open_that_resolves(broker: MakeBroker) -> None:
    asked, go = Event(), Event()

    def look(host: str, port: int) -> list[str]:
        asked.set()
        go.wait(10)
        return ["127.0.0.1"]

    one = broker("slow.example", look=look)
    ended: list[str] = []

    def guest() -> None:
        try:
            one.open("GET", "http://slow.example/", [])
        except FailedError as error:
            ended.append(str(error))

    thread = Thread(target=guest)
    thread.start()
    assert asked.wait(10)
    exchanges = list(one._exchanges.values())
    one.close()
    thread.join(1)
    assert ended == ["the requests of this run were ended"]
    go.set()
    exchanges[0].worker.join(10)
    assert exchanges[0]._line._socket is None


def test_a_resolver_that_hangs_is_bounded(broker: MakeBroker) -> None:
    go = Event()

    def look(host: str, port: int) -> list[str]:
        go.wait(10)
        return []

    one = broker("slow.example", look=look, limits=Limits(connect=0.01, open=2))
    said = []
    for _ in range(20):
        with pytest.raises(FailedError) as caught:
            one.open("GET", "http://slow.example/", [])
        said.append(str(caught.value))
    assert said[:18] == ["slow.example could not be resolved in time"] * 18
    assert said[18:] == ["2 requests are open already; finish one first"] * 2
    workers = [exchange.worker for exchange in one._workers]
    go.set()
    for worker in workers:
        worker.join(10)


def test_how_much_may_be_open_and_asked_for(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering())
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(open=2, total=5))
    first, _ = get(one, server.port), get(one, server.port)
    with pytest.raises(FailedError, match="2 requests are open"):
        get(one, server.port)
    one.finish(first)
    get(one, server.port)
    with pytest.raises(RefusedError):
        one.open("GET", "http://other.example/", [])
    with pytest.raises(RefusedError, match="a run may ask for 5 requests, not more"):
        get(one, server.port)
    assert len(one.requests) == 5


def test_calls_out_of_order(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering())
    one = broker(f"127.0.0.1:{server.port}")
    exchange = get(one, server.port)
    with pytest.raises(FailedError, match="not answered yet"):
        one.read(exchange, 1)
    one.answer(exchange)
    with pytest.raises(FailedError, match="is complete"):
        one.write(exchange, b"x")
    with pytest.raises(FailedError, match="at least one byte"):
        one.read(exchange, 0)
    assert whole(one, exchange) == b"ok"
    one.finish(exchange)
    for call in (lambda: one.finish(exchange), lambda: one.answer(99)):
        with pytest.raises(FailedError, match="no such exchange"):
            call()
