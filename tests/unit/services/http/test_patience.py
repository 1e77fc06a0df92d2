"""How long the guest cares to wait: less than the host allows, and never more."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from capsule.services.http.failures import LateError
from capsule.services.http.limits import Limits
from tests.unit.services.http.conftest import whole

if TYPE_CHECKING:
    from tests.unit.services.http.conftest import MakeBroker, Peer, Serve


def test_an_answer_that_is_late_can_be_waited_for_again(serve: Serve, broker: MakeBroker) -> None:
    go = Event()

    def handler(peer: Peer) -> None:
        peer.head()
        go.wait(10)
        peer.answer(b"at last")

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    with pytest.raises(LateError, match="did not answer in time"):
        one.answer(exchange, 0.05)
    go.set()
    assert one.answer(exchange, 10).status == 200
    assert whole(one, exchange) == b"at last"
    assert one.requests[0]["error"] is None


def test_a_read_that_is_late_ends_the_exchange(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    one.answer(exchange)
    for _ in range(2):
        with pytest.raises(LateError, match=r"was silent for 0\.05 s"):
            one.read(exchange, 100, 0.05)


def test_a_write_that_is_late_ends_the_exchange(serve: Serve, broker: MakeBroker) -> None:
    done = Event()

    def handler(peer: Peer) -> None:
        done.wait(10)

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("POST", f"http://127.0.0.1:{server.port}/", [])

    def fill() -> None:
        for _ in range(1000):
            one.write(exchange, bytes(65536), 0.05)

    with pytest.raises(LateError, match="did not take the body in time"):
        fill()
    # Nothing of the body may be missing in the middle.
    with pytest.raises(LateError, match="did not take the body in time"):
        one.answer(exchange)
    done.set()


def test_a_name_is_not_waited_for_longer(broker: MakeBroker) -> None:
    go = Event()

    def look(host: str, port: int) -> list[str]:
        go.wait(10)
        return []

    one = broker("slow.example", look=look)
    with pytest.raises(LateError, match="could not be resolved in time"):
        one.open("GET", "http://slow.example/", [], 0.05)
    workers = [exchange.worker for exchange in one._workers]
    go.set()
    for worker in workers:
        worker.join(10)


def test_the_hosts_times_are_the_ceiling(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.wait_for_end()

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(idle=0.1))
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [], 10**6)
    with pytest.raises(LateError, match=r"was silent for 0\.1 s"):
        one.answer(exchange, 10**6)
