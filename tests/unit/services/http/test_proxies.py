"""Proxies of the host's environment: which is used, what it gets, and what nobody else gets."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from capsule.services.http.failures import FailedError, RefusedError
from capsule.services.http.proxies import Proxy, proxy_for, read_proxies
from capsule.services.http.urls import parse_url
from tests.unit.services.http.conftest import answering, ask
from tests.unit.services.http.test_ca_certificates import server_context

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

    from tests.unit.services.http.conftest import MakeBroker, Peer, Serve

LOGIN = b64encode(b"us:er:hunter2@").decode()


def loopback(host: str, port: int) -> list[str]:
    assert host == "proxy.corp"
    return ["127.0.0.1"]


def environ(name: str, port: int) -> dict[str, str]:
    return {name: f"http://us%3Aer:hunter2%40@proxy.corp:{port}/"}


def check_no_secret(text: object) -> None:
    shown = repr(text)
    for secret in ("hunter2", "us:er", "us%3Aer", LOGIN, "proxy.corp"):
        assert secret not in shown


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_plain_requests_go_to_the_proxy(serve: Serve, broker: MakeBroker, name: str) -> None:
    heads: list[bytes] = []
    server = serve(answering(b"proxied", b"Proxy-X: y", heads=heads))
    one = broker("*", environ=environ(name, server.port), look=loopback)
    exchange = one.open("GET", "http://public.example/a?b", [("X", "y")])
    assert one.answer(exchange).headers == [("Content-Length", "7")]
    assert one.read(exchange, 100) == b"proxied"
    lines = heads[0].split(b"\r\n")
    assert lines[0] in {
        b"GET http://public.example/a?b HTTP/1.1",
        b"GET http://public.example:80/a?b HTTP/1.1",
    }
    assert f"Proxy-Authorization: Basic {b64encode(b'us:er:hunter2@').decode()}".encode() in lines
    assert b"Host: public.example" in lines
    check_no_secret(one.requests)
    check_no_secret(one)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_tls_goes_through_a_tunnel(
    serve: Serve, broker: MakeBroker, authority: trustme.CA, tmp_path: Path, name: str
) -> None:
    heads: list[bytes] = []
    context = server_context(authority, "public.example")

    def handler(peer: Peer) -> None:
        heads.append(peer.head())
        peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        with context.wrap_socket(peer.socket, server_side=True) as inner:
            peer.socket = inner
            heads.append(peer.head())
            peer.answer(b"inside")

    server = serve(handler)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    settings = {**environ(name, server.port), "SSL_CERT_FILE": str(bundle)}
    one = broker("*", environ=settings, look=loopback)
    exchange = one.open("GET", "https://public.example/a", [("Authorization", "mine")])
    assert ask(one, exchange) == b"inside"
    assert heads[0].startswith(b"CONNECT public.example:443 HTTP/1.1\r\n")
    assert b"mine" not in heads[0]
    assert heads[1].startswith(b"GET /a HTTP/1.1\r\nHost: public.example\r\n")
    assert b"Proxy" not in heads[1]
    check_no_secret(one.requests)


def test_tls_in_a_tunnel_is_checked(
    serve: Serve, broker: MakeBroker, authority: trustme.CA, tmp_path: Path
) -> None:
    context = server_context(authority, "other.example")

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        context.wrap_socket(peer.socket, server_side=True).close()

    server = serve(handler)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    settings = {**environ("HTTPS_PROXY", server.port), "SSL_CERT_FILE": str(bundle)}
    one = broker("*", environ=settings, look=loopback)
    with pytest.raises(FailedError, match="Hostname mismatch"):
        ask(one, one.open("GET", "https://public.example/", []))


def test_a_proxy_that_refuses(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering(b"", status=b"407 us:er hunter2"))
    one = broker("*", environ=environ("HTTPS_PROXY", server.port), look=loopback)
    with pytest.raises(FailedError) as caught:
        ask(one, one.open("GET", "https://public.example/", []))
    assert str(caught.value) == (
        "the host's proxy does not connect to public.example:443 (status 407)"
    )
    check_no_secret(one.requests)


def test_a_proxy_that_is_not_there(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering())
    server.close()
    one = broker("*", environ=environ("HTTP_PROXY", server.port), look=loopback)
    with pytest.raises(FailedError, match="through the host's proxy, failed") as caught:
        ask(one, one.open("GET", "http://public.example/", []))
    check_no_secret(caught.value)
    check_no_secret(one.requests)


def test_a_proxy_without_an_address(broker: MakeBroker) -> None:
    def look(host: str, port: int) -> list[str]:
        raise OSError(f"{host} is not known")

    one = broker("*", environ=environ("HTTP_PROXY", 1), look=look)
    with pytest.raises(FailedError) as caught:
        one.open("GET", "http://public.example/", [])
    assert str(caught.value) == "the host's proxy has no address"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/",
        "http://intranet/",
        "http://a.internal/",
    ],
)
def test_rules_hold_for_proxies_too(serve: Serve, broker: MakeBroker, url: str) -> None:
    server = serve(answering())
    one = broker("*", environ=environ("HTTP_PROXY", server.port), look=loopback)
    with pytest.raises(RefusedError):
        one.open("GET", url, [])
    assert server.peers == []


def test_loopback_is_never_the_proxys(serve: Serve, broker: MakeBroker) -> None:
    server, proxy = serve(answering(b"mine")), serve(answering(b"proxied"))
    hosts = [f"localhost:{server.port}", f"127.0.0.1:{server.port}"]
    one = broker(*hosts, environ=environ("HTTP_PROXY", proxy.port))
    for host in hosts:
        assert ask(one, one.open("GET", f"http://{host}/", [])) == b"mine"
    assert proxy.peers == []


@pytest.mark.parametrize(
    "value",
    [
        "socks5://user:hunter2@proxy.corp:1",
        "https://proxy.corp",
        "http://",
        "http://[::1",
        "http://h:x",
    ],
)
def test_proxies_that_cannot_be_used(broker: MakeBroker, value: str) -> None:
    one = broker("*", environ={"HTTP_PROXY": value})
    with pytest.raises(FailedError, match="only http://host:port is") as caught:
        one.open("GET", "http://public.example/", [])
    check_no_secret(caught.value)


def test_proxies_do_not_print() -> None:
    proxies = read_proxies(environ("HTTP_PROXY", 1))
    check_no_secret(proxies)
    check_no_secret(proxy_for(parse_url("http://h/"), proxies))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, None),
        ({"HTTP_PROXY": " "}, None),
        ({"HTTPS_PROXY": "http://p:1"}, None),
        ({"HTTP_PROXY": "p:1"}, Proxy("p", 1, None)),
        ({"HTTP_PROXY": "http://p"}, Proxy("p", 80, None)),
        ({"HTTP_PROXY": "http://a:1", "http_proxy": "http://b:1"}, Proxy("b", 1, None)),
        ({"HTTP_PROXY": "http://u@p:1", "ALL_PROXY": "http://b"}, Proxy("p", 1, ("u", ""))),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "x, Example.com"}, None),
        ({"ALL_PROXY": "http://p:1", "no_proxy": ".example.com"}, None),
        ({"ALL_PROXY": "http://p:1", "no_proxy": "*.example.com"}, None),
        ({"ALL_PROXY": "http://p:1", "no_proxy": "a.example.com:80"}, None),
        ({"ALL_PROXY": "http://p:1", "no_proxy": "a.example.com:81"}, Proxy("p", 1, None)),
        ({"ALL_PROXY": "http://p:1", "no_proxy": "ample.com"}, Proxy("p", 1, None)),
        ({"ALL_PROXY": "http://p:1", "no_proxy": ","}, Proxy("p", 1, None)),
    ],
)
def test_which_proxy(settings: dict[str, str], found: Proxy | None) -> None:
    assert proxy_for(parse_url("http://a.example.com/"), read_proxies(settings)) == found


@pytest.mark.parametrize(
    ("url", "entry", "direct"),
    [
        ("http://10.1.2.3/", "10.0.0.0/8", True),
        ("http://10.1.2.3/", "10.1.2.3", True),
        ("http://10.1.2.3/", "10.1.2.3:80", True),
        ("http://10.1.2.3/", "2.3", False),
        ("http://[fd00::1]/", "fd00::1", True),
        ("http://[fd00::1]/", "10.0.0.0/8", False),
    ],
)
def test_addresses_without_a_proxy(url: str, entry: str, direct: bool) -> None:
    proxies = read_proxies({"HTTP_PROXY": "http://p:1", "NO_PROXY": entry})
    assert (proxy_for(parse_url(url), proxies) is None) is direct


def test_a_header_of_whoever_sent_the_request_is_no_proxy() -> None:
    cgi = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "http://evil.example:1", "NO_PROXY": "a"}
    assert read_proxies(cgi).http == ""
    assert read_proxies({**cgi, "http_proxy": "http://ours:1"}).http == "http://ours:1"
    assert read_proxies({**cgi, "HTTPS_PROXY": "http://ours:1"}).https == "http://ours:1"
    del cgi["REQUEST_METHOD"]
    assert read_proxies(cgi).http == "http://evil.example:1"
