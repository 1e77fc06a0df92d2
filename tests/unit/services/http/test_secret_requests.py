"""Where values go: to the hosts of a secret, over TLS or to loopback, and what they may be told."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from capsule.policy.secret_rules import Secret
from capsule.services.http.allowlist import Hosts
from capsule.services.http.broker import Broker
from capsule.services.http.failures import FailedError, RefusedError
from capsule.services.http.request_log import RequestLog
from tests.unit.services.http.conftest import answering, ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import trustme

    from tests.unit.services.http.conftest import Peer, Serve

KEY = "capsule-secret-" + "0" * 32
OTHER = "capsule-secret-" + "1" * 32
VALUE = "v4l/ue+Nobody & 100%"
NAME = "api.example.com"


def look(host: str, port: int) -> list[str]:
    """Every name is this machine: as a server in one's own network is that."""
    return ["127.0.0.1"]


def guarded(*hosts: str, ca: Path | None = None) -> Broker:
    secrets = [Secret("KEY", KEY, VALUE, hosts), Secret("OTHER", OTHER, VALUE, ("b.example.com",))]
    environ = {} if ca is None else {"SSL_CERT_FILE": str(ca)}
    allowed = (NAME, "a.example.com", "b.example.com", "localhost", "127.0.0.1")
    return Broker(Hosts(allowed), environ, look=look, secrets=secrets, ledger=RequestLog())


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> Callable[[str], tuple[ssl.SSLContext, Path]]:
    def made(name: str) -> tuple[ssl.SSLContext, Path]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        path = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        return context, path

    return made


def sent(broker: Broker, url: str, heads: list[bytes], *headers: tuple[str, str]) -> str:
    """What arrived of a request with the placeholder in its query and in a header."""
    with broker:
        ask(broker, broker.open("GET", f"{url}?k={KEY}", [("X-Key", KEY), *headers]))
    return heads.pop().decode()


def test_over_tls(serve: Serve, tls: Callable[[str], tuple[ssl.SSLContext, Path]]) -> None:
    heads: list[bytes] = []
    context, ca = tls(NAME)
    server = serve(answering(heads=heads), context)
    url = f"https://{NAME}:{server.port}/"
    head = sent(guarded(NAME, ca=ca), url, heads)
    assert f"X-Key: {VALUE}\r\n" in head
    assert parse_qs(urlsplit(head.split(" ")[1]).query) == {"k": [VALUE]}
    for hosts in ((f"{NAME}:{server.port}",), ("*.example.com",)):
        assert VALUE in sent(guarded(*hosts, ca=ca), url, heads)
    for hosts in ((f"{NAME}:1",), ("example.com",), ("*.api.example.com",), ("b.example.com",)):
        assert f"X-Key: {KEY}\r\n" in sent(guarded(*hosts, ca=ca), url, heads)


def test_without_tls_only_to_loopback(serve: Serve) -> None:
    """A name that leads here is not loopback: tomorrow it may lead elsewhere."""
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    for host in (NAME, "a.example.com"):
        head = sent(guarded(NAME, "*.example.com"), f"http://{host}:{server.port}/", heads)
        assert KEY in head
        assert VALUE not in head
    for host in ("localhost", "127.0.0.1"):
        head = sent(guarded("localhost", "127.0.0.1"), f"http://{host}:{server.port}/", heads)
        assert f"X-Key: {VALUE}\r\n" in head


def test_nobody_who_cannot_prove_its_name_gets_it(
    serve: Serve, tls: Callable[[str], tuple[ssl.SSLContext, Path]]
) -> None:
    heads: list[bytes] = []
    context, ca = tls("b.example.com")
    server = serve(answering(heads=heads), context)
    for trusted in (ca, None):
        with guarded(NAME, ca=trusted) as broker:
            number = broker.open("GET", f"https://{NAME}:{server.port}/?k={KEY}", [("X-Key", KEY)])
            with pytest.raises(FailedError, match=f"the certificate of {NAME}") as caught:
                broker.answer(number)
            assert VALUE not in str(caught.value) + repr(broker.requests)
    assert heads == []


def test_a_proxy_sees_a_tunnel(serve: Serve) -> None:
    heads: list[bytes] = []
    proxy = serve(answering(heads=heads, status=b"502 No"))
    secrets = [Secret("KEY", KEY, VALUE, (NAME,))]
    environ = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{proxy.port}")
    with Broker(Hosts((NAME,)), environ, look=look, secrets=secrets) as broker:
        for scheme in ("https", "http"):
            number = broker.open("GET", f"{scheme}://{NAME}/?k={KEY}", [("X-Key", KEY)])
            if scheme == "https":
                with pytest.raises(FailedError, match="proxy does not connect"):
                    broker.answer(number)
            else:
                broker.answer(number)
    assert [head.split(b" ")[0] for head in heads] == [b"CONNECT", b"GET"]
    assert VALUE.encode() not in b"".join(heads)
    assert KEY.encode() not in heads[0]


@pytest.mark.parametrize("text", ["me:{}", "{}:", "{}", "mine:{}:x", "a:{}{}"])
def test_basic(serve: Serve, text: str) -> None:
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    for scheme in ("Basic", "basic", "BASIC"):
        credentials = base64.b64encode(text.replace("{}", KEY).encode()).decode()
        head = sent(
            guarded("localhost"),
            f"http://localhost:{server.port}/",
            heads,
            ("Authorization", f"{scheme} {credentials}"),
        )
        said = head.partition(f"Authorization: {scheme} ")[2].partition("\r\n")[0]
        assert base64.b64decode(said).decode() == text.replace("{}", VALUE)


def test_a_secret_that_is_the_credentials_themselves(serve: Serve) -> None:
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    url = f"http://localhost:{server.port}/"
    head = sent(guarded("localhost"), url, heads, ("Authorization", f"Basic {KEY}"))
    assert f"Authorization: Basic {VALUE}\r\n" in head
    # What has none in it stays letter for letter.
    for text in ("Basic bm9uZTpoZXJl", "Basic not base64", "Basic ", "Basic"):
        head = sent(guarded("localhost"), url, heads, ("Authorization", text))
        assert f"Authorization: {text.strip()}\r\n" in head


def test_what_was_put_in_is_not_looked_at_again(serve: Serve) -> None:
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    secrets = [
        Secret("KEY", KEY, f"a-{OTHER}-b", ("localhost",)),
        Secret("OTHER", OTHER, VALUE, ("localhost",)),
    ]
    with Broker(Hosts(("localhost",)), {}, secrets=secrets) as broker:
        url = f"http://localhost:{server.port}/"
        ask(broker, broker.open("GET", url, [("X-Key", KEY)]))
    assert f"X-Key: a-{OTHER}-b\r\n".encode() in heads[0]


def test_more_than_a_request_may_have(serve: Serve) -> None:
    server = serve(answering())
    url = f"http://localhost:{server.port}/"
    with guarded("localhost") as broker:
        with pytest.raises(RefusedError, match="placeholders of at most 8 secrets"):
            broker.open("GET", f"{url}?a={KEY}&b={KEY}", [("X-Key", KEY * 7)])
        # Those of others are only text.
        broker.finish(broker.open("GET", f"{url}?a={KEY}", [("X-Key", KEY * 7 + OTHER * 20)]))
    assert server.peers == []


def test_what_is_asked_of_a_server(serve: Serve) -> None:
    """Nothing packed, and nothing in parts, from who has a value; from others as was asked."""
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    asked = (("Accept-Encoding", "gzip, br"), ("range", "bytes=0-9"), ("If-Range", '"x"'))
    head = sent(guarded("localhost"), f"http://localhost:{server.port}/", heads, *asked)
    assert head.lower().count("accept-encoding") == 1
    assert "\r\nAccept-Encoding: identity\r\n" in head
    assert "range" not in head.lower()
    head = sent(guarded("localhost"), f"http://127.0.0.1:{server.port}/", heads, *asked)
    assert "gzip, br" in head
    assert head.lower().count("range") == 2
    plain = Broker(Hosts(("localhost",)), {})
    assert "gzip, br" in sent(plain, f"http://localhost:{server.port}/", heads, *asked)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_length_tells_that_of_a_value(serve: Serve, method: str) -> None:
    def handler(peer: Peer) -> None:
        peer.head()
        peer.answer(b"" if method == "HEAD" else VALUE.encode(), b"X-Echo: " + VALUE.encode())

    server = serve(handler)
    with guarded("localhost") as broker:
        number = broker.open(method, f"http://localhost:{server.port}/?k={KEY}", [])
        head = broker.answer(number)
        assert head.headers == [("X-Echo", KEY)]
        assert broker.read(number, 100) == (KEY.encode() if method == "GET" else b"")
        number = broker.open(method, f"http://127.0.0.1:{server.port}/", [])
        names = [name for name, _ in broker.answer(number).headers]
        # One that was told nothing is let alone.
        assert "Content-Length" in names


def test_what_an_envelope_says(serve: Serve) -> None:
    server = serve(answering())
    secrets = [Secret("KEY", KEY, VALUE, ("localhost",))]
    with Broker(Hosts(("localhost",)), {}, secrets=secrets) as broker:
        url = f"http://localhost:{server.port}/"
        ask(broker, broker.open("GET", f"{url}?q={KEY}", [("X-Mine", KEY)]))
        (entry,) = broker.requests
    assert entry["url"] == f"{url}?q=[secret KEY]"
    assert entry["headers"] == [["X-Mine", "[secret KEY]"]]
    assert VALUE not in repr((entry, secrets, broker))
