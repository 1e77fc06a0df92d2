"""Two sides by turns, in pairs: what they took, and the ratio that the pairs agree on."""

from __future__ import annotations

import math
import resource
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

from scripts.bench.timing import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Turns of each side that count for nothing: files and imports are in memory after them.
_UNCOUNTED = 3
# The interval of a ratio that is sure enough, and after how many seconds it is left as it is.
_NARROW, _LONGEST = 0.02, 120.0
# So many standard deviations around the middle hold 95 % of a normal distribution.
_DEVIATIONS = 1.96
# What the last column of a table of these rows holds.
LAST = "95 % in, pairs"


class Pairs(NamedTuple):
    """The seconds of each turn of both sides; what has the same place was done one after another.

    >>> Pairs([1.0, 2.0, 9.0], [1.0, 1.0, 10.0]).ratios
    [1.0, 2.0, 0.9]
    """

    present: list[float]
    older: list[float]

    @property
    def ratios(self) -> list[float]:
        """Return how many times as long as the older side's turn the present side's took."""
        return [ours / theirs for ours, theirs in zip(self.present, self.older, strict=True)]


def by_pairs(
    least: int,
    present: Callable[[], Sequence[float]],
    older: Callable[[], Sequence[float]],
    uncounted: int = _UNCOUNTED,
) -> list[Pairs]:
    """Let both sides take turns, and return the seconds by each of the clocks that a turn gives.

    There are so many pairs at least, and more until the median of the ratios is sure enough by the
    first clock, or it has taken long enough. The side that ended a pair begins the next. So neither
    gains from a machine that gets slower, and both turns of a pair follow one of the same side:
    what a side still does after its turn, such as starting the next process that waits, hits both.
    """
    for _ in range(uncounted):
        present()
        older()
    ours: list[Sequence[float]] = []
    theirs: list[Sequence[float]] = []
    deadline = time.monotonic() + _LONGEST
    while len(ours) < least or not (_sure(ours, theirs) or time.monotonic() > deadline):
        ours.append(present())
        theirs.extend((older(), older()))
        ours.append(present())
    return [Pairs(*by_clock) for by_clock in zip(_clocks(ours), _clocks(theirs), strict=True)]


def timed(do: Callable[[], object]) -> Callable[[], tuple[float, float]]:
    """Return the same that says how many seconds it took, and its programs on the processors.

    The latter are those of the programs that it waited for. What else the machine does adds less
    to them.
    """

    def once() -> tuple[float, float]:
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        do()
        taken, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return once


def interval(values: list[float]) -> tuple[float, float]:
    """Return between which of the values the true median is, with a certainty of 95 %.

    This asks for no distribution: how many of them are below the median is a matter of coins.
    With few values it is all of them.
    """
    ordered = sorted(values)
    half = len(ordered) / 2
    below = max(math.floor(half - _DEVIATIONS * math.sqrt(len(ordered)) / 2) - 1, 0)
    return ordered[below], ordered[-1 - below]


def row(what: str, older: str, pairs: Pairs, items: int | None = None) -> Row:
    """Return the line of the table: both medians, the ratio of the pairs, and how sure it is.

    The median of the ratios is hardly moved by a slow spell of the machine. With `items`, how many
    of which a turn does, the line is about how many there are in a second.
    """
    present, before = statistics.median(pairs.present), statistics.median(pairs.older)
    ratios = pairs.ratios
    if items is not None:
        present, before, ratios = items / present, items / before, [1 / each for each in ratios]
    low, high = interval(ratios)
    note = f"{low:.3f}-{high:.3f}, {len(ratios)}"
    median = statistics.median(ratios)
    return Row(what, present, before, older, rate=items is not None, paired=median, note=note)


def _sure(ours: list[Sequence[float]], theirs: list[Sequence[float]]) -> bool:
    low, high = interval(Pairs(_clocks(ours)[0], _clocks(theirs)[0]).ratios)
    return high - low <= _NARROW


def _clocks(turns: list[Sequence[float]]) -> list[list[float]]:
    return [list(seconds) for seconds in zip(*turns, strict=True)]
