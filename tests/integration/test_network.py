"""A real server on loopback, and real clients in the sandbox, unchanged."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.integration.origin import LARGE, Origin, authority
from tests.integration.peak_memory import peak_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the machine that the tests run on are not theirs."""
    for name in (
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    trusted, context = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with Origin(context) as server:
        yield server


def asked(bench: Workbench, origin: Origin, body: str, *, head: str = "") -> Envelope:
    source = f"""{head}
from capsule import task
import urllib.request
URL = {origin.url!r}
@task(allowed_hosts=["localhost:{origin.server_port}"], compute="HIGH", timeout="60s")
def main():
{body}
"""
    return bench.run(source)


REQUESTS = '# /// script\n# dependencies = ["requests"]\n# ///\nimport requests'


@pytest.mark.parametrize("which", ["origin", "secure"])
@pytest.mark.parametrize(
    ("head", "body", "result"),
    [
        ("", "return urllib.request.urlopen(URL + '/a').read().decode()", "hello /a"),
        ("", "return urllib.request.urlopen(URL + '/chunked').read().decode()", "one two three"),
        ("", "return urllib.request.urlopen(URL + '/x', b'body').read().decode()", "4 body"),
        ("", "return urllib.request.urlopen(URL + '/to//b').read().decode()", "hello /b"),
        (REQUESTS, "return requests.get(URL + '/gzip').text", "unpacked"),
        (REQUESTS, "return requests.get(URL + '/to//c').url[-2:]", "/c"),
        (REQUESTS, "return requests.post(URL + '/p', data=(b'x' * 1000 for _ in range(50))).text[:5]",
         "50000"),
        (REQUESTS, "with requests.Session() as s: return [s.get(URL + f'/{n}').text for n in range(3)]",
         ["hello /0", "hello /1", "hello /2"]),
        (REQUESTS, "return requests.head(URL + '/h').headers['Content-Length']", "8"),
    ],
)  # fmt: skip
def test_clients_work(
    bench: Workbench,
    request: pytest.FixtureRequest,
    which: str,
    head: str,
    body: str,
    result: object,
) -> None:
    server = request.getfixturevalue(which)
    envelope = asked(bench, server, f"    {body}", head=head)
    assert envelope["result"] == result, envelope["error"]
    assert envelope["execution"]["host_requests"]


def test_a_large_download_takes_little_memory(bench: Workbench, secure: Origin) -> None:
    body = """
    import hashlib
    got, digest = 0, hashlib.sha256()
    with urllib.request.urlopen(URL + "/large") as answer:
        while piece := answer.read(1 << 16):
            got += len(piece)
            digest.update(piece)
    return got
"""
    before = peak_memory()
    envelope = asked(bench, secure, body)
    assert envelope["result"] == LARGE, envelope["error"]
    assert peak_memory() - before < 60 << 10
    assert (envelope["execution"]["ram_used"] or 0) < 64 << 20
    (entry,) = envelope["execution"]["host_requests"]
    assert (entry["method"], entry["status"], entry["bytes"]) == ("GET", 200, LARGE)


def test_a_certificate_that_nobody_vouches_for(
    bench: Workbench, secure: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    body = "    return requests.get(URL, verify=False).text"
    envelope = asked(bench, secure, body, head=REQUESTS)
    assert envelope["error"] is not None
    assert "certificate" in envelope["error"]["message"].lower()
    assert secure.seen == []


def test_secrets_are_redacted_in_the_envelope(bench: Workbench, origin: Origin) -> None:
    body = """
    asked = urllib.request.Request(URL + "/headers?api_key=s3cr3t", headers={
        "Authorization": "Bearer s3cr3t", "Cookie": "a=s3cr3t", "X-Api-Key": "s3cr3t", "X-Plain": "seen"})
    return "s3cr3t" in urllib.request.urlopen(asked).read().decode()
"""
    envelope = asked(bench, origin, body)
    assert envelope["result"] is True, envelope["error"]
    entries = str(envelope["execution"]["host_requests"])
    assert "s3cr3t" not in entries
    assert "seen" in entries


@pytest.mark.parametrize("limits", ["", '[limits]\nallowed_hosts = ["localhost", "*"]'])
def test_a_host_without_a_port_is_reached_on_every_port(
    bench: Workbench, origin: Origin, limits: str
) -> None:
    (bench.project / "capsule.toml").write_text(limits)
    source = f"""
from capsule import task
import urllib.request
@task(allowed_hosts=["localhost"])
def main(): return urllib.request.urlopen({origin.url!r} + "/a").read().decode()
"""
    envelope = bench.run(source)
    assert envelope["result"] == "hello /a", envelope["error"]
    error = bench.run(source.replace('"localhost"]', '"*"]'))["error"]
    assert error is not None
    assert '"*" and "*.name" mean public addresses only' in error["message"]


def test_no_net_and_no_hosts(bench: Workbench, origin: Origin) -> None:
    source = (
        f"import urllib.request\ndef main(): return urllib.request.urlopen({origin.url!r}).read()"
    )
    error = bench.run(source)["error"]
    assert error is not None
    assert "no allowed_hosts" in error["message"]
    allowed = f"from capsule import task\nimport urllib.request\n@task(allowed_hosts=['localhost:{origin.server_port}'])\n"
    order = bench.order(
        f"{allowed}def main(): return urllib.request.urlopen({origin.url!r}).status",
        no_net=True,
        flags=True,
    )
    error = bench.run_order(order)["error"]
    assert error is not None
    assert "--no-net takes its allowed_hosts" in error["message"]
    assert origin.seen == []


def test_a_sub_task_has_its_own_hosts(bench: Workbench, origin: Origin) -> None:
    source = f"""
from capsule import task
import urllib.request
@task(allowed_hosts=["localhost:{origin.server_port}"])
def fetch(path): return urllib.request.urlopen({origin.url!r} + path).read().decode()
@task(name="main")
def main():
    try:
        urllib.request.urlopen({origin.url!r})
    except OSError as error:
        mine = str(error)
    answer = fetch("/sub")
    return [answer.result, len(answer["execution"]["host_requests"]), "allowed_hosts" in mine]
"""
    assert bench.run(source)["result"] == ["hello /sub", 1, True]


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_timeout_ends_a_request(bench: Workbench, silent: int) -> None:
    source = f"""
from capsule import task
import urllib.request
@task(allowed_hosts=["localhost:{silent}"], timeout="1s")
def main(): urllib.request.urlopen("http://localhost:{silent}/")
"""
    envelope = bench.run(source)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout"
    assert envelope["execution"]["duration_ms"] < 4_000


HTTPX = '# /// script\n# dependencies = ["httpx"]\n# ///\nimport httpx'
SOCKET = "import socket"


@pytest.mark.parametrize(
    ("head", "call", "raised"),
    [
        ("", "urllib.request.urlopen(URL, timeout=TIME)", ["TimeoutError"]),
        ("", "urllib.request.urlopen(URL, b'body', timeout=TIME)", ["TimeoutError"]),
        (REQUESTS, "requests.get(URL, timeout=TIME)", ["ReadTimeout"]),
        # The first is for connecting, and shorter than what the answer may take.
        (REQUESTS, "requests.get(URL, timeout=(0.01, TIME))", ["ReadTimeout"]),
        (HTTPX, "httpx.get(URL, timeout=TIME)", ["ReadTimeout"]),
        (SOCKET, "socket.setdefaulttimeout(TIME), urllib.request.urlopen(URL)", ["TimeoutError"]),
        (SOCKET, "ask(URL, 2)", ["TimeoutError", "TimeoutError"]),
    ],
)  # fmt: skip
def test_the_timeout_of_a_client_holds(
    bench: Workbench, silent: int, head: str, call: str, raised: list[str]
) -> None:
    source = f"""{head}
from capsule import task
import time, urllib.request
URL, TIME = "http://localhost:{silent}/", 0.4
def ask(url, times):
    with socket.create_connection(("localhost", {silent}), TIME) as asking:
        asking.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost:{silent}\\r\\n\\r\\n")
        said = []
        for _ in range(times):
            try:
                asking.recv(100)
            except TimeoutError as error:
                said.append(type(error).__name__)
        return said
@task(allowed_hosts=["localhost:{silent}"], compute="HIGH", timeout="60s")
def main():
    begin = time.monotonic()
    try:
        said = ({call})
    except Exception as error:
        said = [type(getattr(error, "reason", error)).__name__]
    return [said, round(time.monotonic() - begin, 2)]
"""
    envelope = bench.run(source)
    assert envelope["error"] is None
    said, seconds = envelope["result"]
    assert said == raised
    # Far below the 30 seconds of silence that the host allows.
    assert 0.35 < seconds < 10


def test_a_timeout_holds_while_the_body_comes(bench: Workbench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst")
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        source = f"""
from capsule import task
import urllib.request
@task(allowed_hosts=["localhost:{port}"], compute="HIGH", timeout="60s")
def main():
    answer = urllib.request.urlopen("http://localhost:{port}/", timeout=0.4)
    first = answer.read(5).decode()
    try:
        answer.read()
    except TimeoutError as error:
        return [first, str(error)]
"""
        envelope = bench.run(source)
        thread.join(20)
        assert not thread.is_alive()
    said = f"[Errno 73] localhost:{port} was silent for 0.4 s"
    assert envelope["result"] == ["first", said], envelope["error"]
    assert envelope["execution"]["duration_ms"] < 10_000


@pytest.mark.parametrize(
    "timeout", ["0", "-1", "float('nan')", "float('inf')", "True", "'1'", "[1]", "{}"]
)
def test_a_timeout_that_is_none_is_refused(bench: Workbench, silent: int, timeout: str) -> None:
    source = f"""
from capsule import task
from capsule_guest import calls
import json
calls._encode = json.dumps
def ask(**more):
    fields = {{"method": "GET", "url": "http://localhost:{silent}/", "headers": [], **more}}
    return calls.call("http.open", fields)[0]["id"]
@task(allowed_hosts=["localhost:{silent}"], timeout="20s")
def main():
    said = []
    for op, fields in [("http.open", {{}}), ("http.answer", {{"id": 0}}), ("http.read", {{"most": 1}})]:
        try:
            if op == "http.open":
                ask(timeout={timeout})
            else:
                calls.call(op, {{"id": ask(), "timeout": {timeout}, "most": 1}})
        except calls.CallError as error:
            said.append(str(error))
    return said
"""
    operations = ("open", "answer", "read")
    assert bench.run(source)["result"] == [
        f"the fields of http.{name} are not what they have to be" for name in operations
    ]


@pytest.mark.parametrize("timeout", ["10**400", "1e300"])
def test_a_timeout_beyond_the_hosts_changes_nothing(
    bench: Workbench, silent: int, timeout: str
) -> None:
    source = f"""
from capsule import task
from capsule_guest import calls
@task(allowed_hosts=["localhost:{silent}"], timeout="1s")
def main():
    fields = {{"method": "GET", "url": "http://localhost:{silent}/", "headers": []}}
    number = calls.call("http.open", {{**fields, "timeout": {timeout}}})[0]["id"]
    calls.call("http.answer", {{"id": number, "timeout": {timeout}}})
"""
    error = bench.run(source)["error"]
    assert error is not None
    assert error["error_type"] == "timeout"


def test_a_name_that_leads_inside_is_above_a_ceiling_of_public_hosts(
    bench: Workbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"a.example.com:{origin.server_port}"
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", origin.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    source = f"""
from capsule import task
import urllib.request
@task(allowed_hosts=["{place}"])
def main():
    return urllib.request.urlopen("http://{place}/").status
"""
    assert bench.run(source)["result"] == 200
    limits = f'[limits]\nallowed_hosts = ["*:{origin.server_port}"]\n'
    (bench.project / "capsule.toml").write_text(limits)
    envelope = bench.run(source)
    assert envelope["error"] is not None, envelope["result"]
    assert (
        "is not public, and is not in allowed_hosts by its own name" in envelope["error"]["message"]
    )
    assert len(origin.seen) == 1


def test_an_attempt_that_fails_does_not_hide_what_it_asked_for(
    bench: Workbench, origin: Origin
) -> None:
    (bench.project / "data").mkdir()
    source = f"""
from capsule import task
import os, urllib.request
@task(allowed_hosts=["localhost:{origin.server_port}"], allowed_files=["./data"], max_retries=1)
def main():
    if os.listdir("data"):
        return "nothing to see here"
    urllib.request.urlopen("{origin.url}/first").read()
    open("data/done", "w").close()
    raise ValueError
"""
    envelope = bench.run(source)
    assert envelope["execution"]["retries"] == 1
    (entry,) = envelope["execution"]["host_requests"]
    assert entry["url"].endswith("/first")
