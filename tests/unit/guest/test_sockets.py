"""`socket`, `ssl` and `select` themselves: what they do here, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Inside = Callable[[str], Any]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("EHLO me\\r\\n", "only HTTP/1.1 requests"),
        ("\\x16\\x03\\x01\\x02", "only HTTP/1.1 requests"),
        ("PRI * HTTP/2.0\\r\\n\\r\\n", "only HTTP/1.1 requests"),
        ("CONNECT a:443 HTTP/1.1\\r\\n\\r\\n", "tunnels"),
        ("GET / HTTP/1.1\\r\\nUpgrade: websocket\\r\\n\\r\\n", "websockets"),
        ("GET / HTTP/1.1\\r\\nno header\\r\\n\\r\\n", "not a header"),
        ("POST / HTTP/1.1\\r\\nContent-Length: x\\r\\n\\r\\n", "not a length"),
        ("POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n", "not the size"),
        ("POST / HTTP/1.1\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n-5\\r\\n", "not the size"),
        ("OPTIONS * HTTP/1.1\\r\\n\\r\\n", "not a path"),
        ("", "only answers to HTTP requests"),
    ],
)
def test_what_is_not_http_is_refused(inside: Inside, sent: str, reason: str) -> None:
    said = inside(
        f"""
        import socket
        with socket.create_connection(("a.test", 25)) as s:
            try:
                s.sendall("{sent}".encode("latin-1"))
                s.recv(10)
            except OSError as error:
                say([error.errno, str(error)])
        """
    )
    assert said[0] == 95
    assert reason in said[1]


def test_bytes_may_come_in_any_pieces(inside: Inside) -> None:
    said = inside(
        """
        import socket
        asked = (b"POST /a HTTP/1.1\\r\\nHost: b.test\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
                 b"3;x=y\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\nTrailer: t\\r\\n\\r\\n"
                 b"GET /b HTTP/1.1\\r\\nHost: b.test\\r\\nConnection: close, X-Own\\r\\nX-Own: 1\\r\\n\\r\\n")
        out = []
        for size in (1, 7, 10000):
            s = socket.create_connection(("::1", 81))
            for at in range(0, len(asked), size):
                s.sendall(asked[at:at + size])
            with s, s.makefile("rb") as file:
                out.append(file.read().count(b"HTTP/1.1 200"))
        say([out, far.asked[-2:], len(far.open)])
        """
    )
    assert said == [
        [2, 2, 2],
        [
            {"method": "POST", "url": "http://[::1]:81/a", "headers": [["Host", "b.test"]]},
            {"method": "GET", "url": "http://[::1]:81/b", "headers": [["Host", "b.test"]]},
        ],
        0,
    ]


def test_a_body_may_wait_for_a_continue(inside: Inside) -> None:
    said = inside(
        """
        import socket
        s = socket.create_connection(("a.test", 80))
        s.sendall(b"PUT / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 2\\r\\nExpect: 100-continue\\r\\n\\r\\n")
        first = s.recv(1000)
        s.sendall(b"ab")
        with s, s.makefile("rb") as file:
            say([first.decode(), file.readline().decode()])
        """
    )
    assert said == ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n"]


def test_an_old_client_gets_no_chunks(inside: Inside) -> None:
    said = inside(
        """
        import socket
        with socket.create_connection(("a.test", 80)) as s, s.makefile("rb") as file:
            s.sendall(b"GET /chunked HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n")
            say(file.read().decode())
        """
    )
    head, _, body = said.partition("\r\n\r\n")
    assert body == "one two three"
    assert "chunked" not in head
    assert head.endswith("Connection: close")


def test_sockets_are_what_clients_expect(inside: Inside) -> None:
    said = inside(
        """
        import socket
        s = socket.socket()
        s.settimeout(3)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        out = [s.gettimeout(), s.fileno() > 1 << 20, s.type.name, s.family.name]
        s.connect(("a.test", 80))
        out += [s.getpeername(), s.connect_ex(("a.test", 80)) > 0, "0.0.0.0" in repr(s)]
        s.setblocking(False)
        try:
            s.recv(1)
        except BlockingIOError:
            out.append("nothing yet")
        s.setblocking(True)
        s.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        out += [s.recv(4, socket.MSG_PEEK).decode(), s.recv(4).decode()]
        s.close()
        out += [s.fileno(), len(far.open)]
        for broken in (lambda: s.recv(1), lambda: socket.socket().recv(1), lambda: socket.socket().listen()):
            try:
                broken()
            except OSError as error:
                out.append(error.errno)
        say(out)
        """
    )
    assert said == [
        3.0, True, "SOCK_STREAM", "AF_INET", ["a.test", 80], True, True, "nothing yet", "HTTP",
        "HTTP", -1, 0, 9, 107, 95,
    ]  # fmt: skip


def test_names_resolve_to_themselves(inside: Inside) -> None:
    said = inside(
        """
        import socket
        out = [[list(a[4]) for a in socket.getaddrinfo(h, p)] for h, p in (
            ("a.test", 443), ("b\\u00fccher.test.", "https"), ("10.0.0.1", "8080"), ("::1", None))]
        out += [socket.gethostbyname("a.test"), socket.has_ipv6, socket.gethostname(), socket.getfqdn("a.test")]
        for bad in (("a", "nothing"), ("a", 1, socket.AF_INET6), ("a", 1, 0, 0, 0, socket.AI_NUMERICHOST)):
            try:
                socket.getaddrinfo(*bad)
            except socket.gaierror as error:
                out.append(error.errno)
        say(out)
        """
    )
    names = [["a.test", 443]], [["xn--bcher-kva.test", 443]], [["10.0.0.1", 8080]], [["::1", 0]]
    assert said == [*names, "a.test", False, "capsule", "a.test", -8, -2, -2]


def test_a_context_keeps_what_it_is_told(inside: Inside) -> None:
    said = inside(
        """
        import ssl
        context = ssl.create_default_context(cadata="whatever")
        out = [context.verify_mode.name, context.check_hostname, context.minimum_version.name]
        try:
            context.verify_mode = ssl.CERT_NONE
        except ValueError as error:
            out.append(str(error)[:10])
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.options |= ssl.OP_NO_TLSv1_2
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        context.load_default_certs()
        out += [context.verify_mode.name, ssl.OP_NO_TLSv1_2 in context.options, context.minimum_version.name]
        try:
            context.load_cert_chain("mine.pem")
        except OSError as error:
            out.append("client's certificate" in str(error))
        say(out)
        """
    )
    assert said == [
        "CERT_REQUIRED", True, "TLSv1_2", "Cannot set", "CERT_NONE", True, "TLSv1_3", True,
    ]  # fmt: skip


def test_waiting_knows_sockets_and_files(inside: Inside) -> None:
    said = inside(
        """
        import os, select, selectors, socket
        ours, theirs = os.pipe()
        out = []
        with socket.create_connection(("a.test", 80)) as s, selectors.DefaultSelector() as selector:
            selector.register(s, selectors.EVENT_READ)
            selector.register(ours, selectors.EVENT_READ)
            for step in (lambda: None, lambda: os.write(theirs, b"x"), lambda: s.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")):
                step()
                out.append([key.fileobj == ours for key, _ in selector.select(0)])
                out.append([len(found) for found in select.select([s, ours], [s], [], 0)])
            selector.unregister(s)
            out.append(len(selector.select(0)))
        say(out)
        """
    )
    assert said == [[], [0, 1, 0], [True], [1, 1, 0], [False, True], [2, 1, 0], 1]
