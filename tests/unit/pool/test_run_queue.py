"""How many wait for a turn in one name, and for how long."""

from __future__ import annotations

import time

import pytest

from capsule.errors import BusyError
from capsule.pool.run_queue import QueuedRun, RunQueue
from capsule.pool.slots import Slots
from capsule.process.cancel import Cancellation


def test_one_more_than_may_wait_is_refused_and_told_why() -> None:
    queue = RunQueue("hello.py", 2)
    first, second, third = (QueuedRun(queue, queue) for _ in range(3))
    for each in (first, second, first):
        each.waits()
    with pytest.raises(BusyError) as refused:
        third.waits()
    assert refused.value.code == "busy_error"
    assert "'hello.py'" in refused.value.message
    assert "max_waiting=2" in refused.value.message
    assert "max_waiting=" in (refused.value.hint or "")
    first.begins()
    first.begins()
    with third:
        third.waits()
        assert repr(queue) == "<RunQueue of 'hello.py', 2 of 2 wait>"
    second.begins()
    assert repr(queue) == "<RunQueue of 'hello.py', 0 of 2 wait>"


def test_who_need_not_wait_is_not_counted() -> None:
    queue, slots = RunQueue("hello.py", 0), Slots(1)
    with Cancellation() as never:
        one, other = QueuedRun(queue, queue), QueuedRun(queue, queue)
        with slots.slot(queue, never, one.waits) as granted:
            assert granted
            with (
                pytest.raises(BusyError, match="max_waiting=0"),
                slots.slot(queue, never, other.waits),
            ):
                pass
            assert repr(slots) == "<Slots 1 of 1 taken, 0 wait>"
    assert repr(slots) == "<Slots 0 of 1 taken, 0 wait>"


def test_the_time_of_several_waits_is_added_up() -> None:
    run = QueuedRun("me")
    now = time.monotonic()
    run.wait_ended(now - 1)
    run.wait_ended(now - 2)
    with run.waiting():
        pass
    assert 3_000 <= run.waited_ms < 4_000
