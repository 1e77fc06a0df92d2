"""What an envelope says about requests: enough to trust it, and no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capsule.services.http.failures import RefusedError
from capsule.services.http.limits import Limits
from capsule.services.http.redact import is_secret, redacted_headers, redacted_url
from capsule.services.http.request_log import RequestLog
from capsule.services.http.urls import parse_url
from tests.unit.services.http.conftest import answering, ask

if TYPE_CHECKING:
    from tests.unit.services.http.conftest import MakeBroker, Serve

SECRETS = [
    "Authorization",
    "PROXY-AUTHORIZATION",
    "Cookie",
    "Set-Cookie",
    "X-Api-Key",
    "apikey",
    "X-Auth",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "client_secret",
    "password",
    "passwd",
    "session_id",
    "sig",
    "Referer",
    "X-JWT-Assertion",
    "passphrase",
    "otp",
]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_redacted(name: str) -> None:
    assert redacted_headers([(name, "hunter2")]) == [[name, "[redacted]"]]
    url = parse_url(f"https://example.com:8443/a?x=1&{name}=hunter2&y=2;{name}=hunter2#{name}=z")
    assert redacted_url(url) == (
        f"https://example.com:8443/a?x=1&{name}=[redacted]&y=2&{name}=[redacted]"
    )


@pytest.mark.parametrize(
    "query",
    [
        "to%6ben=hunter2",
        "to%256ben=hunter2",
        "a&TOKEN[]=hunter2==",
        "token%3Dhunter2",
        "next=http://h/?token=hunter2",
        "next=http%3A%2F%2Fh%2F%3Fa%3Db%26token%3Dhunter2",
    ],
)
def test_encoded_names_are_redacted(query: str) -> None:
    assert "hunter2" not in redacted_url(parse_url(f"http://h/?{query}"))


@pytest.mark.parametrize(
    ("secret", "target"),
    [
        ("123:abc+def/g", "/bot123:abc+def/g/send"),
        ("123:abc+def/g", "/?q=123%3Aabc%2Bdef%2Fg&r=1"),
        ("with some spaces", "/with%20some%20spaces?a=with+some+spaces"),
    ],
)
def test_values_that_the_task_was_given_are_redacted_wherever_they_stand(
    broker: MakeBroker, secret: str, target: str
) -> None:
    one = broker("a.example", ledger=RequestLog([secret, "short", secret[:9]]))
    with pytest.raises(RefusedError):
        one.open("GET", f"http://b.example{target}", [("X-Plain", f"a {secret} b short")])
    (entry,) = one.requests
    assert secret[:9] not in json.dumps(entry)
    assert "[redacted]" in entry["url"]
    assert not any(part in entry["url"] for part in ("abc", "some"))
    assert entry["headers"] == [["X-Plain", "a [redacted] b short"]]


def test_a_value_is_redacted_before_a_text_is_cut(broker: MakeBroker) -> None:
    one = broker("a.example", ledger=RequestLog(["s3cr3t-value"]))
    with pytest.raises(RefusedError):
        one.open(
            "GET",
            f"http://b.example/{'x' * 1000}s3cr3t-value",
            [("X", "y" * 1020 + "s3cr3t-value")],
        )
    assert "s3c" not in json.dumps(one.requests)


def test_parameters_of_a_path_are_redacted() -> None:
    url = parse_url("http://h/a;jsessionid=hunter2/b;v=1?x")
    assert redacted_url(url) == "http://h/a;jsessionid=[redacted]/b;v=1?x"


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "User-Agent", "X-Request-Id"])
def test_other_headers_are_kept(name: str) -> None:
    assert not is_secret(name)
    assert redacted_headers([(name, "value")]) == [[name, "value"]]


@pytest.mark.parametrize("query", ["", "?", "?a", "?a=", "?a=b&c", "?token", "?token="])
def test_other_urls_are_kept(query: str) -> None:
    assert redacted_url(parse_url(f"http://h/p{query}")) == f"http://h/p{query}"


def test_what_is_sent_is_not_redacted(serve: Serve, broker: MakeBroker) -> None:
    heads: list[bytes] = []
    server = serve(answering(b"body", b"Set-Cookie: s=hunter2", heads=heads))
    one = broker(f"127.0.0.1:{server.port}")
    url = f"http://127.0.0.1:{server.port}/?api_key=hunter2"
    exchange = one.open("GET", url, [("Authorization", "hunter2"), ("Accept", "*/*")])
    assert ("Set-Cookie", "s=hunter2") in one.answer(exchange).headers
    assert heads[0].count(b"hunter2") == 2
    assert "hunter2" not in json.dumps(one.requests)
    assert one.requests[0]["headers"] == [["Authorization", "[redacted]"], ["Accept", "*/*"]]


def test_refused_requests_are_recorded_without_secrets(broker: MakeBroker) -> None:
    one = broker("a.example")
    for url in ("http://u:hunter2@a.example/", "http://b.example/?token=hunter2", "hunter2"):
        with pytest.raises(RefusedError) as caught:
            one.open("GET", url, [("Cookie", "hunter2")])
        assert "hunter2" not in str(caught.value)
    entries = one.requests
    assert "hunter2" not in json.dumps(entries)
    assert [entry["url"] for entry in entries] == ["?", "http://b.example/?token=[redacted]", "?"]
    assert [entry["status"] for entry in entries] == [None] * 3
    assert entries[1]["headers"] == [["Cookie", "[redacted]"]]


def test_records_are_bounded(broker: MakeBroker) -> None:
    one = broker("a.example")
    for _ in range(1000):
        with pytest.raises(RefusedError):
            one.open("GET", f"http://b.example/{'x' * 8000}", [("X", "y" * 6000)] * 10)
    with pytest.raises(RefusedError, match="1000 requests"):
        one.open("GET", "http://b.example/", [])
    assert len(json.dumps(one.requests)) < 4 << 20


def test_what_is_bounded_is_bounded_for_all_attempts_together(broker: MakeBroker) -> None:
    ledger, few = RequestLog(), Limits(total=3)
    for _ in range(3):
        one = broker("a.example", limits=few, ledger=ledger)
        with pytest.raises(RefusedError, match="not in allowed_hosts"):
            one.open("GET", "http://b.example/", [("X", "y")])
    with pytest.raises(RefusedError, match="3 requests, not more"):
        broker("a.example", limits=few, ledger=ledger).open("GET", "http://b.example/", [])
    assert len(ledger) == len(ledger.entries()) == 3


def test_a_body_that_was_not_read_is_not_counted(serve: Serve, broker: MakeBroker) -> None:
    server = serve(answering(b"x" * 10))
    one = broker(f"127.0.0.1:{server.port}")
    url = f"http://127.0.0.1:{server.port}/"
    first, second = one.open("GET", url, []), one.open("GET", url, [])
    one.answer(first)
    one.finish(first)
    assert ask(one, second) == b"x" * 10
    assert [entry["bytes"] for entry in one.requests] == [0, 10]
