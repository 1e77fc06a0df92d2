"""Which pattern lets which request out, and to which addresses."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.hosts import parse_host
from capsule.services.http.addresses import Reach, _carried, reach_of
from capsule.services.http.allowlist import allow, check_addresses, check_unresolved
from capsule.services.http.failures import RefusedError
from capsule.services.http.urls import parse_url


@pytest.mark.parametrize(
    ("pattern", "url", "reach"),
    [
        ("api.example.com", "http://api.example.com/", Reach.PRIVATE),
        ("api.example.com", "https://API.example.com/", Reach.PRIVATE),
        ("api.example.com:8443", "https://api.example.com:8443/", Reach.PRIVATE),
        ("api.example.com:443", "https://api.example.com/", Reach.PRIVATE),
        ("*.example.com", "https://a.b.example.com/", Reach.PUBLIC),
        ("api.example.com", "http://api.example.com:8080/", Reach.PRIVATE),
        ("api.example.com", "https://api.example.com:80/", Reach.PRIVATE),
        ("*.example.com", "http://a.example.com:8080/", Reach.PUBLIC),
        ("*", "http://example.com:8080/", Reach.PUBLIC),
        ("localhost", "http://localhost:49152/", Reach.PRIVATE),
        ("127.0.0.1", "http://127.0.0.1:49152/", Reach.LITERAL),
        ("[::1]", "http://[::1]:49152/", Reach.LITERAL),
        ("*.example.com:81", "http://a.example.com:81/", Reach.PUBLIC),
        ("*", "https://example.com/", Reach.PUBLIC),
        ("*", "https://8.8.8.8/", Reach.PUBLIC),
        ("*:8443", "https://example.com:8443/", Reach.PUBLIC),
        ("localhost:8080", "http://localhost:8080/", Reach.PRIVATE),
        ("*.localhost", "http://a.localhost/", Reach.PRIVATE),
        ("127.0.0.1", "http://127.0.0.1/", Reach.LITERAL),
        ("169.254.169.254", "http://169.254.169.254/", Reach.LITERAL),
        ("[::1]:8080", "http://[0::1]:8080/", Reach.LITERAL),
        ("m\u00fcnchen.example", "http://xn--mnchen-3ya.example/", Reach.PRIVATE),
        ("*.m\u00fcnchen.example", "http://a.xn--mnchen-3ya.example/", Reach.PUBLIC),
    ],
)
def test_what_patterns_allow(pattern: str, url: str, reach: Reach) -> None:
    assert allow(parse_url(url), (parse_host(pattern),)) is reach


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("api.example.com", "http://example.com/"),
        ("api.example.com", "http://xapi.example.com/"),
        ("api.example.com", "http://api.example.com.evil.example/"),
        ("api.example.com:443", "http://api.example.com/"),
        ("api.example.com:80", "https://api.example.com/"),
        ("api.example.com:8443", "https://api.example.com/"),
        ("*.example.com", "http://example.com/"),
        ("*.example.com", "http://evilexample.com/"),
        ("*.example.com:80", "http://a.example.com:8080/"),
        ("*:443", "http://example.com:8080/"),
        ("localhost:80", "http://localhost:8080/"),
        ("*", "http://localhost:8080/"),
        ("*", "http://localhost/"),
        ("*", "http://a.localhost/"),
        ("*", "http://127.0.0.1/"),
        ("*", "http://10.0.0.1/"),
        ("*", "http://169.254.169.254/"),
        ("*", "http://[::1]/"),
        ("*", "http://[::ffff:127.0.0.1]/"),
        ("*", "http://[64:ff9b::a9fe:a9fe]/"),
        ("*", "http://[2002:7f00:1::]/"),
        ("*", "http://0.0.0.0/"),
        ("0.0.0.0", "http://0.0.0.0/"),  # noqa: S104
        ("224.0.0.1", "http://224.0.0.1/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("localhost", "http://127.0.0.1/"),
        ("localhost", "http://a.localhost/"),
        ("*.localhost", "http://localhost/"),
        ("127.0.0.1", "http://localhost/"),
        ("10.0.0.1", "http://10.0.0.10/"),
    ],
)
def test_what_patterns_do_not_allow(pattern: str, url: str) -> None:
    with pytest.raises(RefusedError, match=r"allowed_hosts|no single host"):
        allow(parse_url(url), (parse_host(pattern),))


@pytest.mark.parametrize(
    ("ceiling", "url", "reach"),
    [
        (["*"], "http://a.example.com/", Reach.PUBLIC),
        (["*.example.com"], "http://a.example.com/", Reach.PUBLIC),
        (["*", "a.example.com"], "http://a.example.com/", Reach.PRIVATE),
        (["127.0.0.1"], "http://127.0.0.1/", Reach.LITERAL),
    ],
)
def test_a_ceiling_bounds_the_reach(ceiling: list[str], url: str, reach: Reach) -> None:
    assert allow(parse_url(url), ("a.example.com", "127.0.0.1"), [ceiling]) is reach


@pytest.mark.parametrize("ceiling", [[], ["b.example.com"], ["a.example.com:8080"]])
def test_what_no_ceiling_covers_is_refused(ceiling: list[str]) -> None:
    with pytest.raises(RefusedError, match=r"^a.example.com:80 is not within the allowed_hosts of"):
        allow(parse_url("http://a.example.com/"), ("a.example.com",), [["*"], ceiling])


@pytest.mark.parametrize("host", ["localhost:8080", "a.localhost", "127.0.0.1:8080", "[::1]:81"])
def test_a_refusal_says_what_a_star_means(host: str) -> None:
    url, meant = parse_url(f"http://{host}/"), '"*" and "*.name" mean public addresses only'
    with pytest.raises(RefusedError, match=re.escape(meant)):
        allow(url, ("*",))
    with pytest.raises(RefusedError, match=re.escape(meant)):
        allow(url, (host, "a.localhost:80"), [["*"]])


def test_a_refusal_names_the_host_and_what_is_allowed() -> None:
    with pytest.raises(RefusedError) as caught:
        allow(parse_url("https://evil.example/?token=x"), ("a.example", "*.b.example"))
    assert str(caught.value) == (
        "evil.example:443 is not in allowed_hosts (allowed: a.example, *.b.example)"
    )
    with pytest.raises(RefusedError, match="it is empty"):
        allow(parse_url("https://evil.example/"), ())
    with pytest.raises(RefusedError, match="and 92 more"):
        allow(parse_url("https://evil.example/"), tuple(f"h{n}" for n in range(100)))


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("8.8.8.8", Reach.PUBLIC),
        ("2606:4700::1111", Reach.PUBLIC),
        ("::ffff:8.8.8.8", Reach.PUBLIC),
        ("64:ff9b::808:808", Reach.PUBLIC),
        ("2002:808:808::", Reach.PUBLIC),
        ("127.0.0.1", Reach.PRIVATE),
        ("127.255.0.1", Reach.PRIVATE),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.0.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("192.0.0.9", Reach.PRIVATE),
        ("192.0.2.1", Reach.PRIVATE),
        ("198.18.0.1", Reach.PRIVATE),
        ("::1", Reach.PRIVATE),
        ("fc00::1", Reach.PRIVATE),
        ("fec0::1", Reach.PRIVATE),
        ("2001:db8::1", Reach.PRIVATE),
        ("64:ff9b:1::808:808", Reach.PRIVATE),
        ("64:ff9b:1:808:8:800::", Reach.PRIVATE),
        ("64:ff9b:1:ffff::a9fe:a9fe", Reach.LITERAL),
        ("64:ff9b:1:a9fe:a9:fe00::", Reach.LITERAL),
        ("2606:4700::5efe:a00:1", Reach.PRIVATE),
        ("2606:4700::200:5efe:7f00:1", Reach.PRIVATE),
        ("2606:4700::5efe:a9fe:a9fe", Reach.LITERAL),
        ("2606:4700::5efe:808:808", Reach.PUBLIC),
        ("3fff::1", Reach.PRIVATE),
        ("5f00::1", Reach.PRIVATE),
        ("::127.0.0.1", Reach.PRIVATE),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("64:ff9b::7f00:1", Reach.PRIVATE),
        ("2002:7f00:1::", Reach.PRIVATE),
        # Teredo: the server, and the client with its bits turned.
        ("2001:0:7f00:1::f7f7:f7f7", Reach.PRIVATE),
        ("2001:0:808:808::80ff:fffe", Reach.PRIVATE),
        ("2001:0:808:808::f7f7:f7f7", Reach.PUBLIC),
        ("169.254.169.254", Reach.LITERAL),
        ("169.254.0.1", Reach.LITERAL),
        ("100.100.100.200", Reach.LITERAL),
        ("168.63.129.16", Reach.LITERAL),
        ("fd00:ec2::254", Reach.LITERAL),
        ("fe80::1", Reach.LITERAL),
        ("fe80::1%eth0", Reach.LITERAL),
        ("::ffff:169.254.169.254", Reach.LITERAL),
        ("64:ff9b::a9fe:a9fe", Reach.LITERAL),
        ("0.0.0.0", Reach.NEVER),  # noqa: S104
        ("0.1.2.3", Reach.NEVER),
        ("224.0.0.1", Reach.NEVER),
        ("255.255.255.255", Reach.NEVER),
        ("::", Reach.NEVER),
        ("ff02::1", Reach.NEVER),
        ("::ffff:0.0.0.0", Reach.NEVER),
    ],
)
def test_addresses_have_a_reach(address: str, reach: Reach) -> None:
    assert reach_of(address) is reach


@given(st.ip_addresses())
def test_no_address_is_public_that_python_holds_private(
    address: IPv4Address | IPv6Address,
) -> None:
    carries = isinstance(address, IPv6Address) and _carried(address)
    if reach_of(str(address)) is Reach.PUBLIC and not carries:
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


URL = parse_url("http://intranet.corp/")


@pytest.mark.parametrize(
    ("reach", "addresses"),
    [
        (Reach.PUBLIC, ["8.8.8.8", "1.1.1.1"]),
        (Reach.PRIVATE, ["10.0.0.1", "8.8.8.8", "::1"]),
        (Reach.LITERAL, ["169.254.169.254"]),
    ],
)
def test_addresses_within_reach(reach: Reach, addresses: list[str]) -> None:
    check_addresses(URL, reach, addresses)


@pytest.mark.parametrize(
    ("reach", "addresses"),
    [
        (Reach.PUBLIC, ["10.0.0.1"]),
        (Reach.PUBLIC, ["8.8.8.8", "127.0.0.1"]),
        (Reach.PRIVATE, ["10.0.0.1", "169.254.169.254"]),
        (Reach.PRIVATE, ["fd00:ec2::254"]),
        (Reach.LITERAL, ["0.0.0.0"]),  # noqa: S104
    ],
)
def test_every_address_is_checked(reach: Reach, addresses: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        check_addresses(URL, reach, addresses)
    assert not any(address in str(caught.value) for address in addresses)


@pytest.mark.parametrize(
    "host", ["intranet", "a.internal", "printer.local", "local", "x.home.arpa"]
)
def test_inner_names_do_not_go_to_a_proxy_under_a_star(host: str) -> None:
    url = parse_url(f"http://{host}/")
    with pytest.raises(RefusedError, match="not a public name"):
        check_unresolved(url, allow(url, ("*",)))
    check_unresolved(url, allow(url, (host,)))
