"""The parser of URLs: one reading, and nothing that others read differently."""

from __future__ import annotations

import string
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capsule.services.http.failures import RefusedError
from capsule.services.http.urls import MAX_URL, Url, parse_url


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://example.com", Url("http", "example.com", 80, "/")),
        ("HTTPS://Example.COM/A?b=c#d", Url("https", "example.com", 443, "/A?b=c")),
        ("http://example.com?q", Url("http", "example.com", 80, "/?q")),
        ("http://example.com#f?q", Url("http", "example.com", 80, "/")),
        ("http://example.com:8080/", Url("http", "example.com", 8080, "/")),
        ("http://a_b.example/%2e%2E/../x", Url("http", "a_b.example", 80, "/%2e%2E/../x")),
        ("http://xn--mnchen-3ya.example/", Url("http", "xn--mnchen-3ya.example", 80, "/")),
        ("http://127.0.0.1:1/", Url("http", "127.0.0.1", 1, "/")),
        ("http://[0:0::1]:65535/", Url("http", "[::1]", 65535, "/")),
        ("http://[2001:DB8::A]/", Url("http", "[2001:db8::a]", 80, "/")),
        ("http://127.0.0.1.nip.example/", Url("http", "127.0.0.1.nip.example", 80, "/")),
        ("http://h/a//b@c:d", Url("http", "h", 80, "/a//b@c:d")),
    ],
)
def test_urls_have_one_reading(text: str, parts: Url) -> None:
    assert parse_url(text) == parts


REFUSED = [
    "",
    "/",
    "//host/",
    "example.com",
    "ftp://host/",
    "file:///x",
    "http:/host",
    "http:host",
    "httpx://host/",
    "http+unix://x/",
    " http://host/",
    "http://host/\n",
    "http://host/a b",
    "http://ho\tst/",
    "http://host/\x00",
    "http://host/\x7f",
    "http://host\r\nX: y/",
    "http://host\\@other/",
    "http://host/\\",
    "http://user@host/",
    "http://user:pw@host/",
    "http://@host/",
    "http://a@b@host/",
    "http:///path",
    "http://",
    "http://?q",
    "http://:80/",
    "http://host:/",
    "http://host:0/",
    "http://host:65536/",
    "http://host:080/",
    "http://host:+80/",
    "http://host:8 0/",
    "http://host:80:80/",
    "http://host:http/",
    "http://host:99999999999999999999/",
    "http://host./",
    "http://.host/",
    "http://a..b/",
    "http://-a/",
    "http://a-/",
    "http://*/",
    "http://*.example.com/",
    "http://ho%73t/",
    "http://127%2e0%2e0%2e1/",
    "http://127.0.0.1%00.example.com/",
    "http://m\u00fcnchen.example/",
    "http://127\u30020.0.1/",
    "http://\u2460.example/",
    "http://host/\u00e4",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://127.0.0.0x1/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1.5/",
    "http://127.0.0.1./",
    "http://256.0.0.1/",
    "http://0/",
    "http://host.0/",
    "http://host.0x/",
    "http://::1/",
    "http://[::1/",
    "http://::1]/",
    "http://[]/",
    "http://[::1]x/",
    "http://[::1]80/",
    "http://x[::1]/",
    "http://[fe80::1%eth0]/",
    "http://[fe80::1%25eth0]/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    f"http://{'a' * 64}/",
    f"http://{'a.' * 127}aa/",
    f"http://host/{'a' * MAX_URL}",
]


@pytest.mark.parametrize("text", REFUSED)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_url(text)


def test_refusals_repeat_no_password() -> None:
    for text in ("http://user:hunter2@host/", "http://user:hunter2", "hunter2"):
        with pytest.raises(RefusedError) as caught:
            parse_url(text)
        assert "hunter2" not in str(caught.value)


_PIECES = st.lists(
    st.sampled_from(
        [
            *"abz019.:/@?#[]%\\ -_*\t\n\u3002\uff0e",
            *("http://", "https://", "::", "127.0.0.1", "0x7f", "%2e", "ffff:"),
            *("example.com", "localhost", ":80", ":8080"),
        ]
    ),
    max_size=12,
).map("".join)


@given(
    st.one_of(
        st.text(max_size=40).map("http://{}".format),
        st.text(string.printable, max_size=40).map("https://{}".format),
        _PIECES.map("http://{}".format),
        _PIECES,
    )
)
@example("http://[::ffff:127.0.0.1]:80/")
def test_what_is_accepted_is_read_the_same_by_others(text: str) -> None:
    try:
        mine = parse_url(text)
    except RefusedError:
        return
    theirs = urlsplit(text)
    assert theirs.scheme == mine.scheme
    assert (theirs.port or {"http": 80, "https": 443}[mine.scheme]) == mine.port
    assert theirs.username is None
    assert theirs.password is None
    host = mine.host.strip("[]")
    assert theirs.hostname is not None
    try:
        address = ip_address(theirs.hostname)
    except ValueError:
        assert theirs.hostname == host
        assert not host.rpartition(".")[2].isdigit()
    else:
        assert str(address) == host
    path = theirs.path or "/"
    assert mine.target.partition("?")[0] == path
    assert parse_url(f"{mine.scheme}://{mine.place}{mine.target}") == mine
