"""Memory that all sandboxes of a run share: refused where nobody may wait, else waited for."""

from __future__ import annotations

import threading
import time

import pytest

from capsule.process.cancel import Cancellation
from capsule.runner.memory_budget import MemoryBudget

SECONDS = 20


def test_what_is_held_is_shared_and_given_back() -> None:
    budget = MemoryBudget(100)
    one, other = budget.hold(), budget.hold()
    assert one.try_resize(60)
    assert not other.try_resize(41)
    assert other.try_resize(40)
    assert not one.try_resize(61)
    assert one.try_resize(10)
    one.release()
    one.release()
    assert budget.taken == 40
    other.release()
    assert budget.taken == 0


def test_who_waits_gets_what_is_released() -> None:
    budget = MemoryBudget(100)
    one, other = budget.hold(), budget.hold()
    assert one.try_resize(60)
    got: list[bool] = []
    with Cancellation() as never:
        waiting = threading.Thread(target=lambda: got.append(other.resize(60, None, never)))
        waiting.start()
        one.release()
        waiting.join(SECONDS)
    assert got == [True]
    assert budget.taken == 60


@pytest.mark.parametrize("late", [True, False])
def test_waiting_ends_with_the_deadline_and_the_run(late: bool) -> None:
    budget = MemoryBudget(100)
    assert budget.hold().try_resize(60)
    with Cancellation() as cancellation:
        if not late:
            cancellation.cancel()
        deadline = time.monotonic() + 0.01 if late else None
        assert not budget.hold().resize(60, deadline, cancellation)
    assert budget.taken == 60
