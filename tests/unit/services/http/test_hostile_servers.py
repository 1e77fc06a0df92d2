"""Servers that never come to an end, against the limits of the broker."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

import pytest

from capsule.services.http.failures import FailedError, LateError
from capsule.services.http.limits import Limits
from tests.unit.services.http.conftest import ask, whole
from tests.unit.services.http.hostile import BOMB, ENDLESS, SLOW, UNPACKING

if TYPE_CHECKING:
    from tests.unit.services.http.conftest import MakeBroker, Peer, Serve


@pytest.mark.parametrize("name", SLOW)
def test_what_is_slow_ends_with_the_time(serve: Serve, broker: MakeBroker, name: str) -> None:
    server = serve(SLOW[name])
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(seconds=0.5))
    begun = time.monotonic()
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    with pytest.raises(FailedError) as caught:
        ask(one, exchange)
    # Some are refused sooner, for what they say.
    assert isinstance(caught.value, LateError) or "whole HTTP/1.1 response" in str(caught.value)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_endless_ends_with_the_size_or_the_time(
    serve: Serve, broker: MakeBroker, name: str
) -> None:
    server = serve(ENDLESS[name])
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(seconds=2, body=1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    with pytest.raises(FailedError):
        ask(one, exchange)
    assert time.monotonic() - begun < 10
    assert one.requests[0]["bytes"] <= (1 << 20) + 65536
    # Of bytes that say nothing, little is kept.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_a_bomb_stays_packed(serve: Serve, broker: MakeBroker) -> None:
    server = serve(UNPACKING)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert ("Content-Encoding", "gzip") in one.answer(exchange).headers
    assert whole(one, exchange) == BOMB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10


def test_interim_answers_end_with_their_size(serve: Serve, broker: MakeBroker) -> None:
    server = serve(ENDLESS["interim answers"])
    one = broker(f"127.0.0.1:{server.port}", limits=Limits(seconds=250))
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    with pytest.raises(FailedError, match=r"did not answer with a whole HTTP/1\.1 response"):
        ask(one, exchange)


def test_some_interim_answers_are_passed_over(serve: Serve, broker: MakeBroker) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        peer.answer(b"x" * (1 << 20))

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}")
    exchange = one.open("GET", f"http://127.0.0.1:{server.port}/", [])
    assert one.answer(exchange).status == 200
    assert len(whole(one, exchange)) == 1 << 20
