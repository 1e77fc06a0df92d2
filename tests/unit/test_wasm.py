"""Writing and reading the WebAssembly binary format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule import wasm


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_unsigned_numbers_round_trip(value: int) -> None:
    data = wasm.uleb(value)
    assert wasm.read_uleb(data, 0, len(data)) == (value, len(data))


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_signed_numbers_hold_their_value(value: int) -> None:
    data = wasm.sleb(value)
    bits = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(data))
    if data[-1] & 0x40:
        bits -= 1 << (7 * len(data))
    assert bits == value


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff\xff\xff\xff"])
def test_a_number_that_runs_past_the_end_is_refused(data: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError, match="past the end"):
        wasm.read_uleb(data, 0, len(data))


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x80\x00"])
def test_a_number_that_is_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError, match="32 bits"):
        wasm.read_uleb(data, 0, len(data))


def test_sections_are_found_where_they_were_put() -> None:
    module = wasm.HEADER + wasm.section(wasm.TYPE, b"abc") + wasm.section(wasm.DATA, b"")
    found = list(wasm.sections(module))
    assert [(part.kind, module[part.start : part.end]) for part in found] == [
        (wasm.TYPE, b"abc"),
        (wasm.DATA, b""),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "starts with"),
        (b"\x7fELF\x02\x01\x01\x00", "starts with"),
        (wasm.HEADER + b"\x01\x05abc", "runs past the end"),
        (wasm.HEADER + b"\x01", "past the end"),
    ],
)
def test_what_is_no_module_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(wasm.MalformedModuleError, match=reason):
        list(wasm.sections(data))


@given(st.binary(max_size=200))
def test_reading_any_bytes_ends_or_refuses(data: bytes) -> None:
    try:
        found = list(wasm.sections(wasm.HEADER + data))
    except wasm.MalformedModuleError:
        return
    assert all(8 < part.start <= part.end <= 8 + len(data) for part in found)


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.binary(max_size=3))
def test_signed_numbers_come_back(value: int, rest: bytes) -> None:
    encoded = wasm.sleb(value)
    assert wasm.read_sleb(encoded + rest, 0, len(encoded) + len(rest)) == (value, len(encoded))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff\xff\xff\xff\x3f", b"\x80" * 6])
def test_signed_numbers_that_are_none(data: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError):
        wasm.read_sleb(data, 0, len(data))
