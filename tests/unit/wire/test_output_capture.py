"""Keeping the two ends of what a task prints."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from capsule.wire.output_capture import Capture

SAID = re.compile(r"\[([\d,]+) bytes are left out here\]\n")


def captured(pieces: list[bytes], limit: int) -> Capture:
    capture = Capture(limit)
    for piece in pieces:
        capture.add(piece)
    return capture


@given(st.lists(st.text("ab\n€", max_size=30), max_size=40), st.integers(min_value=1, max_value=20))
def test_the_ends_are_whole_lines_of_the_whole(texts: list[str], limit: int) -> None:
    pieces = [text.encode() for text in texts]
    capture = captured(pieces, limit)
    whole = b"".join(pieces)
    text = capture.text()
    if len(whole) <= 2 * limit:
        assert (text, capture.left_out) == (whole.decode(), 0)
        return
    said = SAID.search(text)
    assert said is not None
    assert int(said[1].replace(",", "")) == capture.left_out > 0
    first, last = text[: said.start()].encode(), text[said.end() :].encode()
    # A line of its own: where the first end is no whole line, a line end is put behind it.
    assert not first or first.endswith(b"\n")
    assert whole.startswith((first, first[:-1]))
    assert whole.endswith(last)
    assert len(first) <= limit + 1
    assert len(last) <= limit


@given(st.lists(st.binary(max_size=30), max_size=40), st.integers(min_value=1, max_value=20))
def test_any_bytes_are_counted(pieces: list[bytes], limit: int) -> None:
    capture = captured(pieces, limit)
    total = sum(map(len, pieces))
    assert 0 <= capture.left_out <= total
    assert (capture.left_out > 0) == (total > 2 * limit)
    assert capture.left_out >= total - 2 * limit


def test_two_numbers_are_not_glued_into_a_third() -> None:
    capture = captured([b"%d\n" % number for number in range(100_000)], 32 << 10)
    lines = capture.text().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("["))
    assert lines[:at] == [str(number) for number in range(at)]
    rest = len(lines) - at - 1
    assert lines[at + 1 :] == [str(number) for number in range(100_000 - rest, 100_000)]


def test_a_line_that_is_too_long_is_cut_between_characters() -> None:
    text = captured(["€".encode() * 100], 10).text()
    assert text == "€€€\n[282 bytes are left out here]\n€€€"


def test_a_flood_takes_no_memory() -> None:
    capture = Capture()
    for _ in range(2_000):
        capture.add(bytes(65_536))
    assert capture.left_out == 2_000 * 65_536 - 2 * (32 << 10)
    assert len(capture._head) + len(capture._tail) < 5 * (32 << 10) + 65_536
