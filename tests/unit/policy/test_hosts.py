"""Hosts: what is one, and which pattern covers which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.hosts import covers, parse_host, split_port
from capsule.policy.invalid_value import InvalidValueError


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM:443", "api.example.com:443"),
        ("localhost", "localhost"),
        ("localhost:8080", "localhost:8080"),
        ("my_host-1", "my_host-1"),
        ("*", "*"),
        ("*:443", "*:443"),
        ("*.example.com", "*.example.com"),
        ("*.example.com:8443", "*.example.com:8443"),
        ("127.0.0.1", "127.0.0.1"),
        ("10.0.0.1:65535", "10.0.0.1:65535"),
        ("[::1]", "[::1]"),
        ("[0:0:0::1]:80", "[::1]:80"),
        ("[2001:DB8::A]", "[2001:db8::a]"),
        ("m\u00fcnchen.example", "m\u00fcnchen.example"),
    ],
)
def test_hosts_have_one_normal_form(written: str, normal: str) -> None:
    assert parse_host(written) == normal
    assert parse_host(normal) == normal


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "a b",
        "example.com.",
        ".example.com",
        "a..b",
        "-a.com",
        "a-.com",
        "*.",
        "**",
        "*a.com",
        "a.*.com",
        "*.*.com",
        "*.*",
        "a/b",
        "10.0.0.0/8",
        "user@host",
        "host?x",
        "host#x",
        "a\n",
        "a\0b",
        "host:",
        "host:0",
        "host:65536",
        "host:080",
        "host:http",
        "host:-1",
        "host:8\u0660",
        ":80",
        "[::1",
        "::1]",
        "[]",
        "[::1]x",
        "[::1]:x",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[",
        "[]:80",
        "256.1.1.1",
        "1.2.3",
        "127.1",
        "0x7f.1",
        "2130706433",
        "127.0.0.01",
        "*.127.0.0.1",
        "1.2.3.4.5",
        "\uff11\uff12\uff17.0.0.1",
        "\u0661.1.1.1",
        "a" * 64 + ".com",
        "a." * 130 + "com",
        "https://x.com",
        None,
        1,
        True,
        b"x.com",
        ["x.com"],
        {"host": "x.com"},
    ],
)
def test_what_is_no_host_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match="allowed: "):
        parse_host(value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("https://api.example.com/v1?x=1", "'api.example.com'"),
        ("http://user:secret@localhost:8080", "'localhost:8080'"),
        ("::1", "'[::1]'"),
        ("fe80::1:2", "'[fe80::1:2]'"),
        ("fe80::abcd", "'[fe80::abcd]'"),
    ],
)
def test_common_slips_get_a_next_step(value: str, hint: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_host(value)
    assert caught.value.hint == hint


@given(st.text(max_size=30) | st.text("*.:[]0123456789abcdefx-_/@%", max_size=24))
def test_any_text_is_refused_or_has_a_normal_form(text: str) -> None:
    try:
        normal = parse_host(text)
    except InvalidValueError:
        return
    assert parse_host(normal) == normal
    host, port = split_port(normal)
    assert host
    assert port is None or 1 <= int(port) <= 65535
    assert covers(normal, normal)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("api.example.com", "api.example.com"),
        ("api.example.com", "api.example.com:443"),
        ("api.example.com", "api.example.com:8443"),
        ("localhost", "localhost:8080"),
        ("*", "example.com:8080"),
        ("*.example.com", "api.example.com"),
        ("*.example.com", "a.b.example.com:80"),
        ("*.example.com", "*.example.com"),
        ("*.example.com", "*.a.example.com"),
        ("*.example.com:443", "api.example.com:443"),
        ("*", "*"),
        ("*", "*:443"),
        ("*", "*.example.com"),
        ("*", "example.com:443"),
        ("*", "8.8.8.8"),
        ("[::1]", "[::1]:80"),
    ],
)
def test_covers(outer: str, inner: str) -> None:
    assert covers(outer, inner)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("api.example.com", "example.com"),
        ("api.example.com", "*.example.com"),
        ("api.example.com:443", "api.example.com"),
        ("api.example.com:443", "api.example.com:80"),
        ("*.example.com", "example.com"),
        ("*.example.com", "badexample.com"),
        ("*.example.com", "*.com"),
        ("*.example.com", "*"),
        ("*.a.example.com", "*.example.com"),
        ("*:443", "*"),
        ("*:443", "example.com"),
        ("*:443", "example.com:8443"),
        ("*", "localhost"),
        ("*", "localhost:8080"),
        ("*", "*.localhost"),
        ("*", "api.localhost"),
        ("*", "127.0.0.1"),
        ("*", "10.0.0.1:80"),
        ("*", "169.254.169.254"),
        ("*", "[::1]:80"),
        ("*", "[::ffff:127.0.0.1]"),
        ("*", "[fe80::1]"),
    ],
)
def test_does_not_cover(outer: str, inner: str) -> None:
    assert not covers(outer, inner)
