"""TLS: always checked, against what the host's environment trusts."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
import trustme

from capsule.services.http.ca_certificates import tls_context
from capsule.services.http.failures import FailedError
from tests.unit.services.http.conftest import answering, ask

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.http.conftest import MakeBroker, Peer, Serve


def server_context(authority: trustme.CA, *names: str, expired: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = datetime(2020, 1, 1, tzinfo=UTC) if expired else None
    authority.issue_cert(*names, not_after=past).configure_cert(context)
    return context


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "secret-place.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_says_whom_to_trust(
    serve: Serve, broker: MakeBroker, authority: trustme.CA, bundle: str, name: str
) -> None:
    names: list[str] = []
    context = server_context(authority, "a.corp")
    context.sni_callback = lambda _, server_name, __: names.append(server_name)
    heads: list[bytes] = []
    server = serve(answering(b"safe", heads=heads), context)
    one = broker(f"a.corp:{server.port}", environ={name: bundle}, look=loopback)
    for _ in range(2):
        assert ask(one, one.open("GET", f"https://a.corp:{server.port}/", [])) == b"safe"
    assert names == ["a.corp", "a.corp"]
    assert b"\r\nHost: a.corp:%d\r\n" % server.port in heads[0]


def test_addresses_have_certificates_too(
    serve: Serve, broker: MakeBroker, authority: trustme.CA, bundle: str
) -> None:
    for host in ("127.0.0.1", "::1"):
        server = serve(answering(), server_context(authority, host), host)
        shown = f"[{host}]" if ":" in host else host
        one = broker(f"{shown}:{server.port}", environ={"SSL_CERT_FILE": bundle})
        assert ask(one, one.open("GET", f"https://{shown}:{server.port}/", [])) == b"ok"


@pytest.mark.parametrize(
    ("name", "expired", "known", "said"),
    [
        ("b.corp", False, True, "Hostname mismatch"),
        ("127.0.0.1", False, True, "Hostname mismatch"),
        ("a.corp", True, True, "certificate has expired"),
        ("a.corp", False, False, "unable to get local issuer certificate"),
    ],
)
def test_other_certificates_are_refused(
    serve: Serve,
    broker: MakeBroker,
    authority: trustme.CA,
    bundle: str,
    name: str,
    expired: bool,
    known: bool,
    said: str,
) -> None:
    heads: list[bytes] = []
    signer = authority if known else trustme.CA()
    server = serve(answering(heads=heads), server_context(signer, name, expired=expired))
    one = broker(f"a.corp:{server.port}", environ={"SSL_CERT_FILE": bundle}, look=loopback)
    exchange = one.open("GET", f"https://a.corp:{server.port}/", [("Authorization", "hunter2")])
    with pytest.raises(FailedError, match=rf"certificate of a.corp:\d+ is refused: .*{said}"):
        one.answer(exchange)
    one.close()
    server.close()
    assert not any(heads)


def test_old_tls_is_refused(bundle: str) -> None:
    context = tls_context({"SSL_CERT_FILE": bundle})
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_server_without_tls_fails(serve: Serve, broker: MakeBroker, bundle: str) -> None:
    def handler(peer: Peer) -> None:
        peer.socket.recv(65536)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serve(handler)
    one = broker(f"127.0.0.1:{server.port}", environ={"SSL_CERT_FILE": bundle})
    with pytest.raises(FailedError, match=r"TLS with 127.0.0.1:\d+ failed"):
        ask(one, one.open("GET", f"https://127.0.0.1:{server.port}/", []))


def test_close_ends_a_read_of_tls(
    serve: Serve, broker: MakeBroker, authority: trustme.CA, bundle: str
) -> None:
    waits = Event()

    def handler(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        waits.set()
        peer.wait_for_end()

    server = serve(handler, server_context(authority, "127.0.0.1"))
    one = broker(f"127.0.0.1:{server.port}", environ={"SSL_CERT_FILE": bundle})
    exchange = one.open("GET", f"https://127.0.0.1:{server.port}/", [])
    ended: list[str] = []

    def guest() -> None:
        try:
            ask(one, exchange)
        except FailedError as error:
            ended.append(str(error))

    thread = Thread(target=guest)
    thread.start()
    assert waits.wait(10)
    begun = time.monotonic()
    one.close()
    thread.join(10)
    # The body would end with the connection: one that was cut must not look whole.
    assert ended == ["the requests of this run were ended"]
    assert time.monotonic() - begun < 1


def test_a_handshake_that_stalls_is_stopped(serve: Serve, broker: MakeBroker, bundle: str) -> None:
    from capsule.services.http.limits import Limits

    server = serve(lambda peer: peer.wait_for_end())
    limits = Limits(connect=0.2)
    one = broker(f"127.0.0.1:{server.port}", environ={"SSL_CERT_FILE": bundle}, limits=limits)
    with pytest.raises(FailedError, match=r"took longer than 0\.2 s"):
        ask(one, one.open("GET", f"https://127.0.0.1:{server.port}/", []))


def test_folders_and_defaults(tmp_path: Path, bundle: str) -> None:
    tls_context({"SSL_CERT_DIR": str(tmp_path)})
    tls_context({"REQUESTS_CA_BUNDLE": str(tmp_path), "SSL_CERT_FILE": "/nowhere"})
    assert tls_context({"SSL_CERT_FILE": bundle}).cert_store_stats()["x509_ca"] == 1
    assert tls_context({"SSL_CERT_FILE": ""}).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_settings_that_cannot_be_used_fail(
    tmp_path: Path, broker: MakeBroker, name: str, content: str | None
) -> None:
    path = tmp_path / "hidden.pem"
    if content is not None:
        path.write_text(content)
    one = broker("127.0.0.1:1", environ={name: str(path)})
    with pytest.raises(FailedError, match=f"the host's {name} names cannot be read") as caught:
        ask(one, one.open("GET", "https://127.0.0.1:1/", []))
    assert "hidden" not in str(caught.value)
