"""Each item is in one place at any time, whatever is finished, lost, and in which order."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.engines import chunk_plan
from capsule.engines.chunk_plan import CHUNK_SECONDS, ChunkPlan, Item
from capsule.errors import EngineError


def filled(plan: ChunkPlan, count: int, *, slots: int = 1, text: bytes = b"[[], {}]") -> None:
    for index in range(count):
        plan.add(Item(index, text))


def given_out(plan: ChunkPlan, slots: int) -> list[tuple[int, tuple[int, ...]]]:
    found = []
    while (due := plan.due(slots)) is not None:
        found.append((due[0], tuple(item.index for item in due[1])))
    return found


def test_the_example_holds() -> None:
    assert doctest.testmod(chunk_plan).failed == 0


@given(st.data())
def test_nothing_is_lost_and_nothing_is_double(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 60), "items")
    attempts = data.draw(st.integers(1, 4), "attempts")
    at_once = data.draw(st.none() | st.integers(1, 5), "at once")
    plan = ChunkPlan(at_once, attempts=attempts)
    coming = iter(range(count))
    begun: dict[int, int] = dict.fromkeys(range(count), 0)
    open_chunks: dict[int, tuple[Item, ...]] = {}
    over: list[int] = []
    more = True
    while more or not plan.is_empty:
        slots = data.draw(st.integers(0, 4), "slots")
        while more and plan.has_room(slots):
            index = next(coming, None)
            if index is None:
                more = False
                break
            plan.add(Item(index, b"x" * data.draw(st.integers(1, 9))))
        while (due := plan.due(slots)) is not None:
            number, items = due
            assert number not in open_chunks
            open_chunks[number] = items
            for item in items:
                begun[item.index] += 1
        assert at_once is None or len(open_chunks) <= at_once
        if not open_chunks:
            continue
        number = data.draw(st.sampled_from(sorted(open_chunks)), "which")
        items = open_chunks.pop(number)
        assert plan.is_at_work(number)
        if data.draw(st.booleans(), "lost"):
            over += plan.lost(number)
        else:
            done = data.draw(st.integers(1, len(items)), "done")
            found = plan.finished(number, done, data.draw(st.floats(0, 5)))
            assert found == tuple(item.index for item in items[:done])
            over += found
        assert not plan.is_at_work(number)
    assert sorted(over) == list(range(count))
    assert plan.open_items == 0


@given(st.integers(1, 4))
def test_an_item_is_lost_only_so_often(attempts: int) -> None:
    plan = ChunkPlan(None, attempts=attempts)
    filled(plan, 1)
    for attempt in range(attempts):
        due = plan.due(1)
        assert due is not None
        assert plan.lost(due[0]) == ((0,) if attempt == attempts - 1 else ())
    assert plan.is_empty


def test_what_was_lost_goes_alone() -> None:
    plan = ChunkPlan(None, attempts=3)
    filled(plan, 1)
    [(first, _)] = given_out(plan, 1)
    # Chunks grow with what is known of the time of an item.
    plan.finished(first, 1, 0.001)
    filled(plan, 2)
    [(second, both)] = given_out(plan, 1)
    assert both == (0, 1)
    plan.lost(second)
    assert [items for _, items in given_out(plan, 4)] == [(0,), (1,)]


def test_chunks_grow_to_the_time_that_one_should_take() -> None:
    plan, sizes = ChunkPlan(None, attempts=1), []
    index = 0
    for _ in range(12):
        while plan.has_room(1):
            plan.add(Item(index, b"[[], {}]"))
            index += 1
        due = plan.due(1)
        assert due is not None
        sizes.append(len(due[1]))
        plan.finished(due[0], len(due[1]), 0.01 * len(due[1]))
    assert sizes[:5] == [1, 2, 4, 8, 16]
    assert sizes[-1] == CHUNK_SECONDS / 0.01
    # Once they take longer, one is enough.
    for _ in range(20):
        while plan.has_room(1):
            plan.add(Item(index, b"[[], {}]"))
            index += 1
        due = plan.due(1)
        assert due is not None
        plan.finished(due[0], 1, 2.0)
    assert plan.size == 1


def test_a_slot_without_work_gets_what_is_there() -> None:
    plan = ChunkPlan(None, attempts=1)
    filled(plan, 1)
    [(first, _)] = given_out(plan, 2)
    plan.finished(first, 1, 0.001)
    filled(plan, 1)
    # Chunks of two would be due now; with a slot that has nothing to do, one is.
    assert [items for _, items in given_out(plan, 2)] == [(0,)]
    filled(plan, 1)
    assert [items for _, items in given_out(plan, 2)] == [(0,)]
    filled(plan, 1)
    assert given_out(plan, 2) == []


def test_large_items_go_alone_and_bound_what_is_taken() -> None:
    plan = ChunkPlan(None, attempts=1)
    filled(plan, 1)
    [(first, _)] = given_out(plan, 1)
    plan.finished(first, 1, 0.0001)
    large = b"x" * (3 << 20)
    taken = 0
    while plan.has_room(8) and taken < 50:
        plan.add(Item(taken, large))
        taken += 1
    assert taken == 2
    assert [len(items) for _, items in given_out(plan, 8)] == [1, 1]


LARGE = b"x" * (43 << 20)


def taken_up(plan: ChunkPlan, slots: int, text: bytes) -> list[tuple[int, ...]]:
    """Take items until there is no room, giving out what is due."""
    index, found = 0, []
    while plan.has_room(slots) and index < 100_000:
        plan.add(Item(index, text))
        index += 1
        found += [items for _, items in given_out(plan, slots)]
    return found


@pytest.mark.parametrize("at_once", [None, 60])
def test_the_bytes_of_all_that_is_not_over_have_a_bound(at_once: int | None) -> None:
    plan = ChunkPlan(at_once, attempts=2)
    # Less than 128 MiB, and the one that is more.
    assert taken_up(plan, 50, LARGE) == [(0,), (1,), (2,)]
    assert not plan.has_room(50)
    # What was lost is not over.
    assert plan.lost(1) == ()
    assert not plan.has_room(50)
    [(again, _)] = given_out(plan, 50)
    assert plan.lost(again) == (1,)
    assert plan.has_room(50)
    plan.add(Item(3, LARGE))
    assert not plan.has_room(50)
    assert [items for _, items in given_out(plan, 50)] == [(3,)]
    plan.finished(0, 1, 0.1)
    assert plan.has_room(50)


def test_many_slots_have_work_within_the_bound() -> None:
    """Chunks of the usual size would leave two thirds of them without."""
    plan = ChunkPlan(None, attempts=1)
    for size in range(12):
        filled(plan, plan.size)
        [(number, items)] = given_out(plan, 1)
        assert len(items) == 2**size or plan.size == 1_000
        plan.finished(number, len(items), 0.0001)
    text = b"x" * 100_000
    chunks = taken_up(plan, 100, text)
    assert len(chunks) == 200
    assert sum(map(len, chunks)) * len(text) < 128 << 20


def test_small_items_are_taken_as_if_there_were_no_bound() -> None:
    plan = ChunkPlan(None, attempts=1)
    for _ in range(12):
        filled(plan, plan.size)
        [(number, items)] = given_out(plan, 1)
        plan.finished(number, len(items), 0.0001)
    chunks = taken_up(plan, 32, b"x" * 1_000)
    # Slots that have nothing to do do not wait for a chunk to be full.
    assert [len(each) for each in chunks] == [1] * 32 + [1_000] * 32


@pytest.mark.parametrize("done", [0, 3, -1])
def test_a_node_that_answers_more_or_nothing_is_told_of(done: Any) -> None:
    plan = ChunkPlan(None, attempts=1)
    filled(plan, 1)
    [(number, _)] = given_out(plan, 1)
    with pytest.raises(EngineError, match=f"a node answered {done} of 1 items"):
        plan.finished(number, done, 0.1)
