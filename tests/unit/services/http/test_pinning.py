"""Names: resolved once, every address checked, and exactly these connected to."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from capsule.services.http import connection
from capsule.services.http.dns import lookup
from capsule.services.http.failures import FailedError, RefusedError
from tests.unit.services.http.conftest import answering, ask

if TYPE_CHECKING:
    from tests.unit.services.http.conftest import MakeBroker, Serve


class Resolver:
    """Gives the next of its answers each time; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Connect to nothing, and keep the addresses that would have been."""
    found: list[tuple[str, int]] = []

    def dial(connection: socket.socket, address: str, port: int) -> None:
        found.append((address, port))
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(connection, "dial", dial)
    return found


def test_a_name_that_rebinds_reaches_only_what_was_checked(
    broker: MakeBroker, dialled: list[tuple[str, int]]
) -> None:
    look = Resolver(["93.184.216.34", "2606:4700::1"], ["127.0.0.1"])
    one = broker("*", look=look)
    exchange = one.open("GET", "http://rebind.example/", [])
    with pytest.raises(FailedError, match=r"rebind.example:80 failed: Connection refused"):
        one.answer(exchange)
    assert look.asked == [("rebind.example", 80)]
    assert dialled == [("93.184.216.34", 80), ("2606:4700::1", 80)]
    # The next request is checked anew, and the name stands for something else now.
    with pytest.raises(RefusedError, match="resolves to an address that is not public"):
        one.open("GET", "http://rebind.example/", [])
    assert len(dialled) == 2


@pytest.mark.parametrize("pattern", ["*", "*.example.com"])
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["::ffff:192.168.0.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["64:ff9b::a9fe:a9fe"],
        ["0.0.0.0"],  # noqa: S104
        ["::"],
    ],
)
def test_wide_patterns_mean_public_addresses(
    broker: MakeBroker, dialled: list[tuple[str, int]], pattern: str, addresses: list[str]
) -> None:
    one = broker(pattern, look=Resolver(addresses))
    with pytest.raises(RefusedError) as caught:
        one.open("GET", "http://a.example.com/?token=x", [])
    assert not dialled
    assert str(caught.value).startswith("a.example.com:80 resolves to ")
    assert not any(address in str(caught.value) for address in addresses if address != "::")
    assert one.requests[0]["error"] == str(caught.value)


@pytest.mark.parametrize("ceiling", ["*", "*.example.com"])
def test_a_task_gets_no_further_by_naming_a_host_than_the_ceiling_goes(
    broker: MakeBroker, dialled: list[tuple[str, int]], ceiling: str
) -> None:
    """Whoever owns a name says which addresses it has, those of the host's network too."""
    one = broker("a.example.com", look=Resolver(["10.0.0.1"]), ceiling=(ceiling,))
    with pytest.raises(RefusedError, match="not public, and is not in allowed_hosts by its own"):
        one.open("GET", "http://a.example.com/", [])
    assert not dialled


def test_a_ceiling_that_names_the_host_lets_it_be_private(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering())
    host = f"a.example.com:{server.port}"
    one = broker(host, look=Resolver(["127.0.0.1"]), ceiling=("*", host))
    assert ask(one, one.open("GET", f"http://{host}/", [])) == b"ok"


def test_an_exact_name_may_be_private_but_no_metadata_service(
    serve: Serve, broker: MakeBroker
) -> None:
    server = serve(answering())
    look = Resolver(["127.0.0.1"], ["169.254.169.254"])
    one = broker(f"intranet.corp:{server.port}", look=look)
    url = f"http://intranet.corp:{server.port}/"
    assert ask(one, one.open("GET", url, [])) == b"ok"
    with pytest.raises(RefusedError, match="link-local address or a metadata service"):
        one.open("GET", url, [])


def test_host_is_the_name_and_the_address_is_tried_in_turn(
    serve: Serve, broker: MakeBroker
) -> None:
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    # Nobody listens at the first: the server is bound to one address of the loopback network.
    one = broker(f"a.corp:{server.port}", look=Resolver(["127.0.0.2", "127.0.0.1"]))
    assert ask(one, one.open("GET", f"http://a.corp:{server.port}/", [])) == b"ok"
    assert b"\r\nHost: a.corp:%d\r\n" % server.port in heads[0]


def test_few_of_many_addresses_are_tried(
    broker: MakeBroker, dialled: list[tuple[str, int]]
) -> None:
    many = [f"8.8.8.{n}" for n in range(1, 100)]
    one = broker("*", look=Resolver(many + many))
    exchange = one.open("GET", "http://many.example/", [])
    with pytest.raises(FailedError, match="Connection refused"):
        one.answer(exchange)
    assert dialled == [(address, 80) for address in many[:8]]


@pytest.mark.parametrize("found", [[], ["not an address"]])
def test_names_without_an_address_fail(broker: MakeBroker, found: list[str]) -> None:
    with pytest.raises(FailedError, match=r"nowhere.example has no address"):
        broker("*", look=Resolver(found)).open("GET", "http://nowhere.example/", [])


def test_a_resolver_that_fails(broker: MakeBroker) -> None:
    def look(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(FailedError, match=r"nowhere.example has no address"):
        broker("*", look=look).open("GET", "http://nowhere.example/", [])


def test_the_system_resolver_is_asked_for_addresses() -> None:
    assert lookup("127.0.0.1", 80) == ["127.0.0.1"]


def test_hosts_that_are_not_allowed_are_not_looked_up(broker: MakeBroker) -> None:
    look = Resolver(["8.8.8.8"])
    with pytest.raises(RefusedError, match="is not in allowed_hosts"):
        broker("a.example", look=look).open("GET", "http://b.example/", [])
    assert look.asked == []
