"""Values in what comes back: in all forms, in pieces of any size, at any place."""

from __future__ import annotations

import base64
import random
import time
from itertools import pairwise

import pytest

from capsule.policy.secret_rules import Secret
from capsule.services.http.secret_search import SecretSearch, searched

VALUE = "v4l/ue+Nobody \"may\" <see> & 'tell' 100%"
PLAIN = "sk-live-7f3a9c51e8"


def search(*values: str) -> SecretSearch:
    return SecretSearch(
        [Secret(f"S{n}", f"<{n}>", value, ("a.example.com",)) for n, value in enumerate(values)]
    )


def in_pieces(found: SecretSearch, data: bytes, *cuts: int) -> bytes:
    places = [0, *cuts, len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    return b"".join(searched(found, pieces))


@pytest.mark.parametrize("value", [VALUE, PLAIN])
def test_every_cut(value: str) -> None:
    found = search(value)
    data = f"[{value}|{value}{value}]".encode()
    for cut in range(len(data)):
        assert in_pieces(found, data, cut) == b"[<0>|<0><0>]"
    assert in_pieces(found, data, *range(len(data))) == b"[<0>|<0><0>]"


@pytest.mark.parametrize("value", [VALUE, PLAIN, "12345678", "a1b2c3d4e5"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_with_whatever_neighbours_leaves_nothing(value: str, encode: object) -> None:
    """What is left beside the placeholder bears no bit of the value."""
    assert callable(encode)
    generator = random.Random(value)  # noqa: S311 - no secret is made of it
    found = search(value)
    for _ in range(300):
        before = generator.randbytes(generator.randrange(7))
        behind = generator.randbytes(generator.randrange(7))
        text = encode(before + value.encode() + behind)
        cut = generator.randrange(len(text))
        left, mark, right = in_pieces(found, text, cut).partition(b"<0>")
        assert mark
        assert text.startswith(left)
        assert text.endswith(right)
        assert len(left) * 6 <= len(before) * 8
        assert (len(text) - len(right)) * 6 >= (len(before) + len(value)) * 8


def test_what_is_kept_back_tells_nothing_of_the_value() -> None:
    """Who asks for an echo of guesses sees no difference between the beginnings of values."""
    found = search(PLAIN)
    for text in (b"data: 1\n\n", b"x" * 2_000):
        for size in range(len(PLAIN)):
            right, wrong = PLAIN[:size].encode(), b"?" * size
            passed = [found.split(text + end, final=False)[0] for end in (right, wrong)]
            assert passed[0] == passed[1]


# What encoders make of one mark or the other, each its own choice.
MIXED = {
    "json of .net": {"+": "\\u002B", "&": "\\u0026", "'": "\\u0027", '"': "\\u0022"},
    "json of go": {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"},
    "a path of go": {"/": "%2F", " ": "%20", '"': "%22", "<": "%3C", ">": "%3E", "%": "%25"},
    "one mark": {"+": "%2B"},
    "html of .net": {"+": "&#x2B;", "'": "&#39;", '"': "&quot;", "<": "&lt;", ">": "&gt;"},
    "html with zeros": {"/": "&#x00002f;", "&": "&#038;"},
    "backslashes": {"/": "\\/", '"': '\\"', "'": "\\'"},
    "twice": {"+": "%252B", "/": "%252F"},
    "json in json": {"/": "\\\\u002f", "&": "\\\\u0026"},
    "html in json": {"<": "\\u0026lt;", ">": "\\u0026gt;"},
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("value", [VALUE, "q83vEjRWeJ+rze8S/NFZ4mg==", "Tr0ub4dor!&(3)/x"])
def test_each_encoder_escapes_other_marks(name: str, value: str) -> None:
    text = "".join(MIXED[name].get(letter, letter) for letter in value).encode()
    found = search(value)
    for data in (text, text.upper()):
        whole = b'{"key": "' + data + b'"} %41%zz &amp; \\u0041 ' + data
        made = b'{"key": "<0>"} %41%zz &amp; \\u0041 <0>'
        assert found.out_of(whole) == made
        for cut in range(0, len(whole), 7):
            assert in_pieces(found, whole, cut) == made


def test_the_search_takes_as_long_whatever_it_is_sent() -> None:
    """By the clock of the processor, which no other program has a part in."""
    found = search(PLAIN)
    texts = [bytes((byte,)) * 100_000 for byte in b"3ebsk-"]
    for text in texts:
        begin = time.perf_counter()
        found.split(text, final=True)
        # No less than what the worst of them takes; more only where the machine is busy.
        assert time.perf_counter() - begin >= 0.006


def test_what_is_not_a_value_is_as_it_was() -> None:
    generator = random.Random(1)  # noqa: S311 - as above
    found = search(VALUE, PLAIN)
    data = b"".join(
        generator.choice((b"sk-live-", b"7f3a9c51e", b"v4l/ue", b"%2F", b"\n", b"c2st", b"x"))
        for _ in range(20_000)
    )
    cuts = sorted(generator.sample(range(len(data)), 500))
    assert PLAIN.encode() not in data
    assert in_pieces(found, data, *cuts) == data


def test_one_is_the_beginning_of_the_other() -> None:
    found = search("abcdefgh", "abcdefghijkl", "ijklmnopqr")
    data = b"abcdefgh abcdefghijkl abcdefghij"
    for cut in range(len(data)):
        assert in_pieces(found, data, cut) == b"<0> <1> <0>ij"
    # What overlaps goes as a whole, and nothing of either is left.
    for cut in range(18):
        assert in_pieces(found, b"abcdefghijklmnopqr", cut) in {b"<1>", b"<1><2>", b"<0><2>"}


def test_a_value_of_one_letter_keeps_nothing_back_without_end() -> None:
    found = search("0" * 8)
    rest, passed = b"", b""
    for _ in range(1_000):
        piece, rest = found.split(rest + b"0" * 1_000, final=False)
        passed += piece
        assert len(rest) < 10_000
    assert b"0" not in passed.replace(b"<0>", b"")


def test_the_case_of_letters() -> None:
    found = search(PLAIN)
    assert found.out_of(PLAIN.upper().encode()) == b"<0>"
    assert found.out_of(PLAIN.encode().hex().upper().encode()) == b"<0>"


def test_lines_of_a_head() -> None:
    found = search(VALUE)
    odd = "".join(f"%{ord(c):02X}" if n % 3 else c for n, c in enumerate(VALUE.replace(" ", "%20")))
    lines = [f"https://other.example/?k={odd}", "", "text/html; charset=utf-8"]
    assert found.out_of_lines(lines) == ["https://other.example/?k=<0>", *lines[1:]]
    assert repr(found) == "SecretSearch(...)"
