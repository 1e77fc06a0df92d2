"""Reading a hostile sandbox's JSON."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.errors import WireError
from capsule.wire import response_parser

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_json_comes_through_unchanged(value: object) -> None:
    assert response_parser.read_result(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    "payload",
    [
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"1" * 400 + b".0",
        b"1" * 5000,
        b"{",
        b"[1] 2",
        b'"\xff"',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'"\\ud800"',
        b'["\\uDfff x"]',
    ],
)
def test_what_no_envelope_can_hold_is_refused(payload: bytes) -> None:
    with pytest.raises(WireError):
        response_parser.read_result(payload)


def test_an_escaped_pair_of_surrogates_is_a_character() -> None:
    assert response_parser.read_result(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(
    "text",
    [
        '{"":0}',
        "[0]",
        "[]",
        '{"a":{"b":[]}}',
        "[" + ",".join(['{"":0}'] * 20_000) + "]",
        "[" + ",".join(["[[1.5]]"] * 20_000) + "]",
        "[" + ",".join(f'"{n:05}"' for n in range(20_000)) + "]",
        "[" + ",".join(f"{n}.5" for n in range(20_000)) + "]",
        "{" + ",".join(f'"{n:05}":{n}' for n in range(20_000)) + "}",
        "[" + ",".join(['{"x":1,"y":2.5}'] * 20_000) + "]",
    ],
)
def test_no_json_takes_more_memory_than_its_weight(text: str) -> None:
    payload = text.encode()
    tracemalloc.start()
    try:
        value = json.loads(payload)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value is not None
    assert taken <= response_parser.weight(payload) + 2_000


def test_text_is_utf8_or_refused() -> None:
    assert response_parser.read_text("é\n\x00".encode()) == "é\n\x00"
    with pytest.raises(WireError, match="byte 1"):
        response_parser.read_text(b"a\xff")


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        {"error_type": "task_error"},
        {"error_type": "timeout", "message": "x"},
        {"error_type": ["task_error"], "message": "x"},
        {"error_type": "task_error", "message": 1},
        {"error_type": "task_error", "message": "x", "traceback": []},
        {"error_type": "task_error", "message": "x", "more": 1},
    ],
)
def test_a_failure_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(WireError):
        response_parser.read_failure(json.dumps(value).encode())


def test_a_failure_is_printable() -> None:
    failure = response_parser.read_failure(
        b'{"error_type": "task_error", "message": "\\ud800!", "traceback": "\\udfff"}'
    )
    assert failure == response_parser.Failure("task_error", "?!", "?")
