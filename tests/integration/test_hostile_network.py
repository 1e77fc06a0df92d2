"""An attacker in the sandbox who has read our source, against the walls around the network.

A server listens on loopback and must see nothing, whatever is tried; where a task may reach one
server, a second one must see nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.origin import Origin
from tests.integration.workbench import from_artifact, from_source, guard_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from capsule.runner.run import Order
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

CANARY = "c4n4ry-that-nobody-may-see"

# `PORT` is that of a server that no policy names; `MINE` that of the one that is allowed.
URLS = {
    "by name": "http://localhost:PORT/",
    "by address": "http://127.0.0.1:PORT/",
    "any loopback address": "http://127.1.2.3:PORT/",
    "a short address": "http://127.1:PORT/",
    "a decimal address": "http://2130706433:PORT/",
    "an octal address": "http://0177.0.0.1:PORT/",
    "a hexadecimal address": "http://0x7f.0.0.1:PORT/",
    "a hexadecimal number": "http://0x7f000001:PORT/",
    "all interfaces": "http://0.0.0.0:PORT/",
    "zero": "http://0:PORT/",
    "IPv6": "http://[::1]:PORT/",
    "IPv6, mapped": "http://[::ffff:127.0.0.1]:PORT/",
    "IPv6, mapped in hexadecimal": "http://[::ffff:7f00:1]:PORT/",
    "IPv6, compatible": "http://[::127.0.0.1]:PORT/",
    "IPv6, translated": "http://[64:ff9b::7f00:1]:PORT/",
    "IPv6, unspecified": "http://[::]:PORT/",
    "IPv6 with a zone": "http://[fe80::1%25lo]:PORT/",
    "a user that looks like the host": "http://localhost:MINE@127.0.0.1:PORT/",
    "a password": "http://localhost:MINE:x@localhost:PORT/",
    "a fragment": "http://127.0.0.1:PORT#@localhost:MINE/",
    "a query": "http://127.0.0.1:PORT?@localhost:MINE/",
    "a backslash": "http://127.0.0.1:PORT\\\\@localhost:MINE/",
    "an encoded dot": "http://127%2e0%2e0%2e1:PORT/",
    "an encoded letter": "http://%6cocalhost:PORT/",
    "wide letters": "http://\\uff4cocalhost:PORT/",
    "a wide dot": "http://127\\u30020.0.1:PORT/",
    "a circled digit": "http://\\u2460\\u2461\\u2466.0.0.1:PORT/",
    "a dot at the end": "http://localhost.:PORT/",
    "a tab in the name": "http://local\\thost:PORT/",
    "a line break in the name": "http://localhost:MINE\\r\\nHost: localhost:PORT/",
    "another port with a sign": "http://localhost:+PORT/",
    "a port with zeros": "http://localhost:0PORT/",
    "a port in other digits": "http://localhost:\\u0661/",
    "a port out of range": "http://localhost:65536/",
    "no port": "http://localhost/",
    "another scheme": "ftp://localhost:PORT/",
    "a file": "file:///etc/passwd",
    "a gopher": "gopher://localhost:PORT/_GET",
    "data of the cloud": "http://169.254.169.254/latest/meta-data/",
    "data of the cloud by name": "http://metadata.google.internal/",
    "data of the cloud over IPv6": "http://[fd00:ec2::254]/",
    "a private network": "http://10.0.0.1/",
    "a redirect to the other server": "http://localhost:MINE/to/http://127.0.0.1:PORT/",
    "a redirect to link-local": "http://localhost:MINE/to/http://169.254.169.254/",
    "a redirect to a file": "http://localhost:MINE/to/file:///etc/passwd",
    "a redirect by address": "http://localhost:MINE/to/http://0x7f.1:PORT/",
    "two redirects": "http://localhost:MINE/to/http://localhost:MINE/to/http://[::1]:PORT/",
}
CODES = {
    "a socket": "__import__('socket').create_connection(('127.0.0.1', PORT), 2).send(b'GET / HTTP/1.0\\r\\n\\r\\n')",
    "a datagram": "(lambda s: s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT)))(__import__('socket'))",
    "a raw protocol": "__import__('smtplib').SMTP('127.0.0.1', PORT, timeout=2)",
    "listening": "(lambda s: s.create_server(('127.0.0.1', 0)))(__import__('socket'))",
    "a tunnel": "(lambda c: (c.set_tunnel('127.0.0.1', PORT), c.request('GET', '/')))(__import__('http.client').client.HTTPConnection('localhost', MINE))",
    "a foreign host header": "ask('GET', 'http://localhost:MINE/', [['Host', '127.0.0.1:PORT']])",
    "two host headers": "ask('GET', 'http://localhost:MINE/', [['Host', 'localhost:MINE'], ['Host', '127.0.0.1:PORT']])",
    "a line break in a header": "ask('GET', 'http://localhost:MINE/', [['X', 'a\\r\\n\\r\\nGET http://127.0.0.1:PORT/ HTTP/1.1']])",
    "a line break in a header's name": "ask('GET', 'http://localhost:MINE/', [['X: a\\r\\nY', 'b']])",
    "a line break in the method": "ask('GET / HTTP/1.1\\r\\nX: ', 'http://localhost:MINE/', [])",
    "a line break in the path": "ask('GET', 'http://localhost:MINE/ HTTP/1.1\\r\\nX: y', [])",
    "two lengths": "ask('POST', 'http://localhost:MINE/', [['Content-Length', '0'], ['Content-Length', '50']])",
    "a length and chunks": "ask('POST', 'http://localhost:MINE/', [['Content-Length', '5'], ['Transfer-Encoding', 'chunked']])",
    "a strange encoding": "ask('POST', 'http://localhost:MINE/', [['Transfer-Encoding', 'xchunked']])",
    "an upgrade": "ask('GET', 'http://localhost:MINE/', [['Connection', 'Upgrade'], ['Upgrade', 'h2c']])",
    "a method that connects": "ask('CONNECT', 'http://127.0.0.1:PORT/', [])",
    "a header of a proxy": "ask('GET', 'http://localhost:MINE/', [['Proxy-Authorization', 'Basic x']])",
    "headers without end": "ask('GET', 'http://localhost:MINE/', [['X', 'y']] * 100000)",
    "a header without end": "ask('GET', 'http://localhost:MINE/', [['X', 'y' * 10**6]])",
    "a url without end": "ask('GET', 'http://localhost:MINE/' + 'x' * 10**7, [])",
    "a url that is none": "ask('GET', 5, [])",
    "headers that are none": "ask('GET', 'http://localhost:MINE/', {'a': 'b'})",
    "an exchange of nobody": "calls.call('http.read', {'id': 1, 'most': 10})",
    "an exchange that is none": "calls.call('http.read', {'id': '1', 'most': 10})",
    "more than there is": "calls.call('http.read', {'id': 1, 'most': 10**18})",
    "another service": "calls.call('http.allow', {'hosts': ['*']})",
    "hosts in the request": "calls.call('http.open', {'method': 'GET', 'url': 'http://127.0.0.1:PORT/', 'headers': [], 'allowed': ['*'], 'allowed_hosts': ['*']})",
    "a proxy of its own": "(os.environ.update(http_proxy='http://127.0.0.1:PORT'), fetch('http://localhost:MINE/x'))",
    "certificates of its own": "fetch('https://localhost:PORT/')",
}
ATTEMPTS = [
    *(pytest.param(f"fetch('{url}')", id=f"url: {name}") for name, url in URLS.items()),
    *(pytest.param(code, id=f"code: {name}") for name, code in CODES.items()),
]

SOURCE = """
import os, urllib.request
from capsule import task
from capsule_guest import calls
def fetch(url): return urllib.request.urlopen(url, timeout=5).read()
def ask(method, url, headers):
    number = calls.call("http.open", {{"method": method, "url": url, "headers": headers}})[0]["id"]
    return calls.call("http.answer", {{"id": number}})
@task(allowed_hosts=["localhost:{mine}"], timeout="30s", compute="HIGH")
def main():
    try:
        return "done: " + repr({code})[:500]
    except BaseException as error:
        return "raised: " + type(error).__name__
"""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("CANARY_TOKEN", CANARY)


@pytest.fixture
def servers() -> Iterator[tuple[Origin, Origin]]:
    with Origin() as mine, Origin() as other:
        yield mine, other


@pytest.mark.parametrize("way", [from_source, guard_alone, from_artifact])
@pytest.mark.parametrize("code", ATTEMPTS)
def test_an_attempt(
    bench: Workbench,
    servers: tuple[Origin, Origin],
    code: str,
    way: Callable[[str, Path, Workbench], Order],
    tmp_path: Path,
) -> None:
    mine, other = servers
    code = code.replace("PORT", str(other.server_port)).replace("MINE", str(mine.server_port))
    source = SOURCE.format(mine=mine.server_port, code=code)
    envelope = bench.run_order(way(source, tmp_path, bench))
    assert other.seen == []
    # Only whole requests that the policy allows have reached the allowed one.
    assert all(line.split()[0] in {"GET", "POST"} for line in mine.seen)
    assert not any("HTTP/1" in line or "X:" in line for line in mine.seen)
    assert CANARY not in str(envelope)
    assert "root:x:0" not in str(envelope)
    result = envelope["result"] or ""
    assert "hello" not in result or f"localhost:{mine.server_port}" in code, result


def test_there_are_many() -> None:
    assert len(ATTEMPTS) >= 70
