"""Two sides by turns, in pairs: what they took, and the ratio that the pairs agree on."""

from __future__ import annotations

import math
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

from scripts.bench.timing import Row

if TYPE_CHECKING:
    from collections.abc import Callable

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


def by_pairs(least: int, present: Callable[[], float], older: Callable[[], float]) -> Pairs:
    """Let both sides, which say how long they took, take turns, and return the seconds.

    There are so many pairs at least, and more until the median of the ratios is sure enough, or it
    has taken long enough. The side that ended a pair begins the next. So neither gains from a
    machine that gets slower, and both turns of a pair follow one of the same side: what a side
    still does after its turn, such as starting the next process that waits, hits both.
    """
    for _ in range(_UNCOUNTED):
        present()
        older()
    pairs = Pairs([], [])
    deadline = time.monotonic() + _LONGEST
    while len(pairs.present) < least or not (_sure(pairs.ratios) or time.monotonic() > deadline):
        pairs.present.append(present())
        pairs.older.extend((older(), older()))
        pairs.present.append(present())
    return pairs


def timed(do: Callable[[], object]) -> Callable[[], float]:
    """Return the same that says how many seconds it took."""

    def once() -> float:
        begin = time.perf_counter()
        do()
        return time.perf_counter() - begin

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


def _sure(ratios: list[float]) -> bool:
    low, high = interval(ratios)
    return high - low <= _NARROW


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
