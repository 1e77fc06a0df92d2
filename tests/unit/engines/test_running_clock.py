"""Time that a program was stopped for is none in which a cluster was silent."""

from __future__ import annotations

import doctest

from capsule.engines import running_clock
from capsule.engines.running_clock import RunningClock


def test_the_example_holds() -> None:
    assert doctest.testmod(running_clock).failed == 0


def test_time_for_which_nobody_looked_does_not_count() -> None:
    """It looks each second, is stopped for an hour, and looks again."""
    times = iter([0.0, 0.0, 1.0, 2.0, 3_602.0, 3_603.0])
    clock = RunningClock(lambda: next(times))
    assert [clock.now() for _ in range(5)] == [0.0, 1.0, 2.0, 4.0, 5.0]
