"""Servers that never come to an end, and names that change what they stand for, from a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.services.http import dns
from tests.integration.origin import Origin
from tests.integration.peak_memory import peak_memory
from tests.integration.workbench import from_artifact, from_source
from tests.unit.services.http.conftest import Server
from tests.unit.services.http.hostile import BOMB, ENDLESS, SLOW, UNPACKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.runner.run import Order
    from tests.integration.workbench import Workbench
    from tests.unit.services.http.conftest import Handler

    Way = Callable[[str, Path, Workbench], Order]

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# Reads, and drops what it reads, for as long as it may.
READING = """
import http.client
from capsule import task
@task(allowed_hosts=["localhost:{port}"], timeout="1s", compute="50000000000")
def main():
    asked = http.client.HTTPConnection("localhost", {port})
    asked.request("GET", "/")
    answer = asked.getresponse()
    total = 0
    while piece := answer.read(1 << 16):
        total += len(piece)
    return total
"""


def reading(bench: Workbench, handler: Handler) -> Envelope:
    server = Server(handler, None, "127.0.0.1")
    try:
        return bench.run(READING.format(port=server.port))
    finally:
        # It fails where a thread of the server still has a connection.
        server.close()


@pytest.mark.parametrize("name", SLOW)
def test_a_run_with_a_slow_server_ends_at_its_timeout(bench: Workbench, name: str) -> None:
    envelope = reading(bench, SLOW[name])
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout", envelope["error"]
    assert 1_000 <= envelope["execution"]["duration_ms"] < 5_000
    (entry,) = envelope["execution"]["host_requests"]
    assert entry["bytes"] < 10_000


@pytest.mark.parametrize("name", ENDLESS)
def test_a_run_with_an_endless_server_ends_in_time(bench: Workbench, name: str) -> None:
    before = peak_memory()
    envelope = reading(bench, ENDLESS[name])
    assert envelope["error"] is not None
    # What is no answer is an error of the client; what goes on ends with the run.
    assert envelope["error"]["error_type"] in {"task_error", "timeout"}, envelope["error"]
    if envelope["error"]["error_type"] == "task_error":
        assert "did not answer with a whole HTTP/1.1 response" in envelope["error"]["message"]
    assert envelope["execution"]["duration_ms"] < 5_000
    assert peak_memory() - before < 100 << 10


def test_a_bomb_is_unpacked_inside_or_not_at_all(bench: Workbench) -> None:
    server = Server(UNPACKING, None, "127.0.0.1")
    source = f"""
import gzip, urllib.request
from capsule import task
@task(allowed_hosts=["localhost:{server.port}"], ram="128MB", timeout="60s", compute="HIGH")
def main(unpack):
    packed = urllib.request.urlopen("http://localhost:{server.port}/").read()
    return len(gzip.decompress(packed) if unpack else packed)
"""
    before = peak_memory()
    try:
        assert bench.run(source, False)["result"] == len(BOMB)
        error = bench.run(source, True)["error"]
    finally:
        server.close()
    assert error is not None
    assert error["error_type"] == "memory_exceeded"
    assert peak_memory() - before < 100 << 10


class Rebinding:
    """A resolver whose answers change; `asked` are the names that it was asked for."""

    def __init__(self, answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, look: Callable[[str, int], list[str]]) -> list[str]:
        self.asked.append(host)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return self.real(host, port, lambda host, port: answer)

    real = staticmethod(dns.addresses_of)


@pytest.fixture
def rebind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rebinding]:
    """Make the broker's resolver give these answers, one after the other; the last one stays."""

    def change(*answers: list[str]) -> Rebinding:
        resolver = Rebinding(list(answers))
        monkeypatch.setattr(dns, "addresses_of", resolver)
        return resolver

    return change


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        yield server


# Asks again and again, on a connection that is kept while it works, and on new ones.
ASKING = """
import http.client, urllib.request
from capsule import task
URL = "http://{name}:{port}/"
def said(call):
    try:
        return "answered: " + repr(call())
    except Exception as error:
        kept.close()
        return str(error)
kept = http.client.HTTPConnection("{name}", {port}, timeout=0.2)
@task(allowed_hosts=[{allowed!r}], timeout="60s", compute="HIGH")
def main():
    found = []
    for _ in range(3):
        found.append(said(lambda: (kept.request("GET", "/"), kept.getresponse().read())[1]))
    for _ in range(2):
        found.append(said(lambda: urllib.request.urlopen(URL, timeout=0.2).read()))
    return found
"""
# One that is public. Nothing is sent to it: the test's own `dial` refuses.
PUBLIC = "93.184.216.34"


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Connect to loopback alone, and keep all addresses that the broker wants to connect to."""
    from capsule.services.http import connection

    real, found = connection.dial, []

    def dial(connection: object, address: str, port: int) -> None:
        found.append(address)
        if address not in {"127.0.0.1", "::1"}:
            raise ConnectionRefusedError(111, "Connection refused")
        real(connection, address, port)  # type: ignore[arg-type]

    monkeypatch.setattr(connection, "dial", dial)
    return found


@pytest.mark.parametrize("way", [from_source, from_artifact])
@pytest.mark.parametrize("allowed", ["*", "*.example.com"])
def test_a_name_that_rebinds_reaches_nothing(
    bench: Workbench,
    origin: Origin,
    rebind: Callable[..., Rebinding],
    dialled: list[str],
    tmp_path: Path,
    way: Way,
    allowed: str,
) -> None:
    resolver = rebind([PUBLIC], ["127.0.0.1"])
    port = origin.server_port
    source = ASKING.format(name="a.example.com", port=port, allowed=f"{allowed}:{port}")
    envelope = bench.run_order(way(source, tmp_path, bench))
    assert origin.seen == []
    # Each request is resolved once: the first connects to what was checked, the others to nothing.
    assert resolver.asked == ["a.example.com"] * 5
    assert dialled == [PUBLIC]
    first, *others = envelope["result"]
    assert "Connection refused" in first
    assert all("resolves to an address that is not public" in text for text in others), others


@pytest.mark.parametrize("allowed", ["*", "*.example.com"])
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["127.0.0.53"],
        ["169.254.169.254"],
        ["fe80::1"],
        ["fd00:ec2::254"],
        ["10.0.0.1"],
        ["192.168.1.1"],
        ["100.64.0.1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["0.0.0.0"],  # noqa: S104
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
    ],
    ids=" ".join,
)
def test_a_name_of_an_inner_address_reaches_nothing(
    bench: Workbench,
    origin: Origin,
    rebind: Callable[..., Rebinding],
    dialled: list[str],
    allowed: str,
    addresses: list[str],
) -> None:
    rebind(addresses)
    port = origin.server_port
    source = ASKING.format(name="a.example.com", port=port, allowed=f"{allowed}:{port}")
    envelope = bench.run(source)
    assert origin.seen == dialled == []
    assert all("a.example.com" in said for said in envelope["result"]), envelope["result"]
    # Where the name leads is the host's own business.
    assert not any(address in str(envelope) for address in addresses if address != "::1")


def test_a_name_that_is_named_rebinds_only_to_what_its_pattern_reaches(
    bench: Workbench, origin: Origin, rebind: Callable[..., Rebinding], dialled: list[str]
) -> None:
    resolver = rebind(["127.0.0.1"], ["169.254.169.254"])
    port = origin.server_port
    source = ASKING.format(name="inner.example.com", port=port, allowed=f"inner.example.com:{port}")
    first, *others = bench.run(source)["result"]
    assert first.startswith("answered: b'hello")
    assert all("link-local address or a metadata service" in text for text in others), others
    assert len(resolver.asked) == 5
    assert (origin.seen, dialled) == (["GET /"], ["127.0.0.1"])
