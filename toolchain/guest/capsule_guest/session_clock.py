"""Clocks that only go on: each process of a session begins to count anew."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_monotonic_ns, _counter_ns, _wall_ns = time.monotonic_ns, time.perf_counter_ns, time.time_ns
# What is added to the process's own clocks, in nanoseconds; and what they showed at the last look.
_offsets = [0, 0]
_last = [0, 0, 0]


def stop() -> None:
    """Note what the clocks show: the turn is over."""
    _last[:] = _wall_ns(), _monotonic_ns() + _offsets[0], _counter_ns() + _offsets[1]


def go_on() -> None:
    """Go on from there, and by what has gone by since on the wall."""
    if not _last[0]:
        return
    passed = max(_wall_ns() - _last[0], 0)
    _offsets[0] = _last[1] + passed - _monotonic_ns()
    _offsets[1] = _last[2] + passed - _counter_ns()


def install() -> None:
    """Put the clocks of a session in the place of the process's."""

    def monotonic_ns() -> int:
        return _monotonic_ns() + _offsets[0]

    def monotonic() -> float:
        return (_monotonic_ns() + _offsets[0]) / 1e9

    def perf_counter_ns() -> int:
        return _counter_ns() + _offsets[1]

    def perf_counter() -> float:
        return (_counter_ns() + _offsets[1]) / 1e9

    clocks: list[Callable[[], float]] = [monotonic, monotonic_ns, perf_counter, perf_counter_ns]
    for clock in clocks:
        clock.__module__ = "time"
        clock.__qualname__ = clock.__name__
        setattr(time, clock.__name__, clock)
