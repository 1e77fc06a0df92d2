"""The host's distrust: what a sandbox may send, and when."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.errors import WireError
from capsule.shared.frames import (
    CALL,
    CLOSED,
    FAILURE,
    HEADER,
    MAX_BODY,
    MAX_OUTPUT,
    REQUEST,
    RESULT,
    STDERR,
    STDOUT,
    TEXT,
    frame,
)
from capsule.wire.decoder import Decoder, Frame

SEAL = "0123456789abcdef"
END = frame(CLOSED, bytes(4) + SEAL.encode())


def decode(*pieces: bytes) -> list[Frame]:
    decoder = Decoder(SEAL)
    found = [one for piece in pieces for one in decoder.feed(piece)]
    decoder.finish()
    return found


@given(st.integers(min_value=1, max_value=50), st.binary(max_size=200))
def test_frames_arrive_whole_however_they_are_cut(step: int, printed: bytes) -> None:
    data = frame(STDOUT, printed) + frame(STDERR, b"e") + frame(RESULT, b"42") + END
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert decode(*pieces) == [
        Frame(STDOUT, printed),
        Frame(STDERR, b"e"),
        Frame(RESULT, b"42"),
        Frame(CLOSED, bytes(4) + SEAL.encode()),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello", "unknown kind 104"),
        (frame(0, b""), "unknown kind 0"),
        (frame(REQUEST, b"{}"), "unknown kind"),
        (END, "before its answer"),
        (frame(RESULT, b"1") + frame(RESULT, b"2"), "after its answer"),
        (frame(RESULT, b"1") + frame(TEXT, b"2"), "after its answer"),
        (frame(FAILURE, b"1") + frame(CALL, b"0000"), "after its answer"),
        (frame(RESULT, b"1") + END + END, "after the end"),
        (frame(RESULT, b"1") + END + frame(STDOUT, b""), "after the end"),
        (frame(RESULT, b""), "0 bytes"),
        (frame(RESULT, b"1") + frame(CLOSED, bytes(5)), "5 bytes"),
        (frame(RESULT, b"1") + frame(CLOSED, bytes(20)), "without this run's seal"),
        (HEADER.pack(STDOUT, MAX_OUTPUT + 1), "65537 bytes"),
        (HEADER.pack(RESULT, MAX_BODY + 1), "67108865 bytes"),
        (HEADER.pack(STDERR, 2**32 - 1), "4294967295 bytes"),
        (HEADER.pack(FAILURE, 2**31), "2147483648 bytes"),
    ],
)
def test_a_violation_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        decode(data)


def test_frames_before_a_violation_are_given() -> None:
    arriving = Decoder(SEAL).feed(frame(STDOUT, b"kept") + b"\xff" * 10)
    assert next(arriving) == Frame(STDOUT, b"kept")
    with pytest.raises(WireError):
        next(arriving)


@pytest.mark.parametrize("cut", range(1, HEADER.size + 3))
def test_half_a_frame_at_the_end_is_a_violation(cut: int) -> None:
    with pytest.raises(WireError, match="in the middle of a frame"):
        decode(frame(STDOUT, b"abc")[:cut])


def test_an_announced_length_takes_no_memory() -> None:
    decoder = Decoder(SEAL)
    tracemalloc.start()
    try:
        assert list(decoder.feed(HEADER.pack(RESULT, MAX_BODY))) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_end_in_frames_or_in_a_violation(pieces: list[bytes]) -> None:
    try:
        found = decode(*pieces)
    except WireError:
        return
    assert sum(HEADER.size + len(one.payload) for one in found) == sum(map(len, pieces))


@given(st.integers(min_value=1, max_value=50), st.binary(max_size=200))
def test_what_follows_the_closing_frame_can_be_no_frame(step: int, tail: bytes) -> None:
    decoder = Decoder(SEAL, tail=True)
    data = frame(RESULT, b"42") + END + tail
    taken = b""
    kinds = []
    for at in range(0, len(data), step):
        if decoder.closed:
            taken += data[at : at + step]
            continue
        kinds += [found.kind for found in decoder.feed(data[at : at + step])]
        taken += decoder.take_tail()
    assert (kinds, taken) == ([RESULT, CLOSED], tail)


def test_there_is_no_tail_before_the_closing_frame() -> None:
    decoder = Decoder(SEAL, tail=True)
    assert [found.kind for found in decoder.feed(frame(RESULT, b"42") + b"\x15")] == [RESULT]
    assert decoder.take_tail() == b""


def test_a_large_frame_is_not_copied_when_it_is_whole() -> None:
    decoder, length = Decoder("x" * 16), 8 << 20
    closing = frame(CLOSED, bytes(4) + b"x" * 16)
    data = frame(TEXT, b"t" * length) + closing
    tracemalloc.start()
    try:
        found: list[Frame] = []
        for at in range(0, len(data), 1 << 16):
            found += decoder.feed(data[at : at + (1 << 16)])
            if at == 0:
                assert decoder.coming == (TEXT, length)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [one.kind for one in found] == [TEXT, CLOSED]
    assert found[0].payload == b"t" * length
    assert decoder.coming is None
    assert decoder.closed
    assert most < 1.5 * length
