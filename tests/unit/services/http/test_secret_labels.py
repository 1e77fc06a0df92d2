"""What the record of a request says of secrets: which went out, by name, and no value."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from capsule.policy.secret_rules import Secret
from capsule.services.http.failures import RefusedError
from tests.unit.services.http.conftest import answering, ask

if TYPE_CHECKING:
    from tests.unit.services.http.conftest import MakeBroker, Serve

KEY, OTHER = f"capsule-secret-{'1' * 32}", f"capsule-secret-{'2' * 32}"
VALUE = "the-value-of-it"
SECRETS = [
    Secret("KEY", KEY, VALUE, ("127.0.0.1",)),
    Secret("OTHER", OTHER, f"not-{VALUE}", ("api.example.com",)),
]


def test_labels_say_what_went_out(serve: Serve, broker: MakeBroker) -> None:
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    one = broker("127.0.0.1", secrets=SECRETS)
    basic = b64encode(f"me:{KEY}".encode()).decode()
    headers = [
        ("Authorization", f"Bearer {KEY}"),
        ("authorization", f"Basic {basic}"),
        ("X-Auth", f"Basic {basic}"),
        ("X-Api-Key", OTHER),
        ("Cookie", f"a={KEY}; b={OTHER}; c=mine"),
        ("X-Plain", f"<{KEY}>"),
        ("X-Token", f"[secret KEY] {VALUE[:5]}"),
    ]
    url = f"http://127.0.0.1:{server.port}/{KEY};token={KEY}?api_key={KEY}&q={KEY}&key={OTHER}&token=x"
    number = one.open("GET", url, headers)
    ask(one, number)
    (entry,) = one.requests
    assert entry["url"] == (
        f"http://127.0.0.1:{server.port}/[placeholder of KEY];token=[placeholder of KEY]"
        "?api_key=[secret KEY]&q=[secret KEY]&key=[placeholder of OTHER]&token=[redacted]"
    )
    assert [value for _, value in entry["headers"]] == [
        "[secret KEY]",
        "[secret KEY]",
        "[redacted]",
        "[placeholder of OTHER]",
        "[secret KEY] [placeholder of OTHER]",
        "<[secret KEY]>",
        "[redacted]",
    ]
    line = heads[0].split(b"\r\n")[0].decode()
    # As it says: twice the value in the query, the placeholder in the path.
    assert (line.count(VALUE), line.count(KEY), line.count(OTHER)) == (2, 2, 1)


@pytest.mark.parametrize("url", ["http://api.example.com/", "https://evil.example.com/"])
def test_where_no_value_goes_it_says_so(broker: MakeBroker, url: str) -> None:
    """Over plain HTTP, and at a host that it is not for."""
    one = broker("nowhere.example.com", secrets=SECRETS)
    with pytest.raises(RefusedError):
        one.open("GET", f"{url}?key={OTHER}", [("Authorization", f"Bearer {OTHER}")])
    (entry,) = one.requests
    assert entry["url"] == f"{url}?key=[placeholder of OTHER]"
    assert entry["headers"] == [["Authorization", "[placeholder of OTHER]"]]


@pytest.mark.parametrize("secrets", [SECRETS, []], ids=["secrets", "none"])
def test_what_the_code_writes_is_no_label(
    serve: Serve, broker: MakeBroker, secrets: list[Secret]
) -> None:
    """Neither to a program that looks for one, nor to who reads it."""
    heads: list[bytes] = []
    server = serve(answering(heads=heads))
    one = broker("127.0.0.1", secrets=secrets)
    written = "[secret KEY] [Secret\xa0KEY] [ placeholder  of OTHER] [1] [secret] [secrets of]"
    url = f"http://127.0.0.1:{server.port}/?a[secret]=[1]"
    number = one.open("GET", url, [("X-Plain", written), ("X-More", f"[secret {KEY}]")])
    ask(one, number)
    (entry,) = one.requests
    assert entry["url"] == url.replace("[secret]=[1]", "[secret]=[redacted]")
    assert [value for _, value in entry["headers"]] == [
        "%5Bsecret KEY] %5BSecret\xa0KEY] %5B placeholder  of OTHER] [1] [secret] [secrets of]",
        "%5Bsecret [secret KEY]]" if secrets else f"%5Bsecret {KEY}]",
    ]
    # What goes out is as it was written.
    assert written.encode("latin-1") in heads[0]
