"""Which pages differ: as memory comes in pieces, or by where it was written."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.errors import WireError
from capsule.sessions.page_difference import PageDifference
from capsule.snapshot.changed_pages import PAGE, STACK_TOP

BEFORE = b"".join(bytes([number]) * PAGE for number in range(8))


def before(address: int, length: int) -> bytes:
    there = BEFORE[address - STACK_TOP : address - STACK_TOP + length]
    return there + bytes(length - len(there))


@given(
    changed=st.sets(st.integers(0, 11)),
    cuts=st.lists(st.integers(1, 12 * PAGE), max_size=8),
)
def test_pieces_of_any_size_give_the_pages_that_differ(changed: set[int], cuts: list[int]) -> None:
    memory = bytearray(BEFORE + bytes(4 * PAGE))
    for page in changed:
        memory[page * PAGE + 5] ^= 0xFF
    found = PageDifference(before, 1 << 20)
    places = sorted({0, len(memory), *(cut for cut in cuts if cut < len(memory))})
    for first, last in pairwise(places):
        found.feed(bytes(memory[first:last]))
    runs = found.finish()
    pages = {
        (run.offset - STACK_TOP) // PAGE + number
        for run in runs
        for number in range(len(run.data) // PAGE)
    }
    assert pages == changed
    for run in runs:
        at = run.offset - STACK_TOP
        assert bytes(run.data) == memory[at : at + len(run.data)]
    assert all(one.offset + len(one.data) < two.offset for one, two in pairwise(runs))


def test_what_was_written_and_is_as_before_is_left_out() -> None:
    found = PageDifference(before, 1 << 20)
    runs = [(STACK_TOP + PAGE, 2 * PAGE), (STACK_TOP + 9 * PAGE, 2 * PAGE)]
    found.take(runs, BEFORE[PAGE : 2 * PAGE] + b"x" * PAGE + bytes(PAGE) + b"y" * PAGE)
    assert [(run.offset - STACK_TOP) // PAGE for run in found.finish()] == [2, 10]
    # The next process writes it ahead, as the next turn will.
    assert found.same == [STACK_TOP + PAGE, STACK_TOP + 9 * PAGE]


@given(
    written=st.sets(st.integers(0, 11)),
    changed=st.sets(st.integers(0, 11)),
    differed=st.sets(st.integers(0, 11)),
)
def test_what_differed_is_kept_without_a_look(
    written: set[int], changed: set[int], differed: set[int]
) -> None:
    memory = bytearray(BEFORE + bytes(4 * PAGE))
    for page in changed & written:
        memory[page * PAGE + 5] ^= 0xFF
    asked: set[int] = set()

    def seen(address: int, length: int) -> bytes:
        begin = (address - STACK_TOP) // PAGE
        asked.update({begin, begin + length // PAGE - 1})
        return before(address, length)

    found = PageDifference(seen, 1 << 20, {STACK_TOP + page * PAGE for page in differed})
    runs = [(STACK_TOP + page * PAGE, PAGE) for page in sorted(written)]
    found.take(runs, b"".join(memory[page * PAGE : (page + 1) * PAGE] for page in sorted(written)))
    kept = list(found.finish())
    pages = [
        (run.offset - STACK_TOP) // PAGE + number
        for run in kept
        for number in range(len(run.data) // PAGE)
    ]
    assert pages == sorted(written & (changed | differed))
    for run in kept:
        at = run.offset - STACK_TOP
        assert bytes(run.data) == memory[at : at + len(run.data)]
    # At the ends of what is read lies what is not known.
    assert asked <= written - differed
    assert {(place - STACK_TOP) // PAGE for place in found.same} == written - changed - differed


def test_what_nobody_wrote_is_not_written_ahead() -> None:
    found = PageDifference(before, 1 << 20)
    found.feed(BEFORE[: 4 * PAGE])
    assert found.same == []


def test_too_much_is_refused() -> None:
    found = PageDifference(before, 2 * PAGE)
    with pytest.raises(WireError, match="its state would be larger"):
        found.feed(b"x" * 3 * PAGE)


def test_half_a_page_at_the_end_is_refused() -> None:
    found = PageDifference(before, 1 << 20)
    found.feed(b"x" * (PAGE + 5))
    with pytest.raises(WireError, match="middle of a page"):
        found.finish()
