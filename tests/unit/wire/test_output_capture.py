"""Keeping the two ends of what a task prints."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capsule.wire.output_capture import Capture


@given(st.lists(st.binary(max_size=30), max_size=40), st.integers(min_value=1, max_value=20))
def test_the_ends_are_those_of_the_whole(pieces: list[bytes], limit: int) -> None:
    capture = Capture(limit)
    for piece in pieces:
        capture.add(piece)
    whole = b"".join(pieces)
    left_out = max(0, len(whole) - 2 * limit)
    kept = whole if not left_out else whole[:limit] + whole[-limit:]
    assert capture.text() == kept.decode(errors="replace")
    assert capture.left_out == left_out


def test_a_flood_takes_no_memory() -> None:
    capture = Capture()
    for _ in range(2_000):
        capture.add(bytes(65_536))
    assert capture.left_out == 2_000 * 65_536 - 2 * (32 << 10)
    assert len(capture._head) + len(capture._tail) < 5 * (32 << 10) + 65_536
