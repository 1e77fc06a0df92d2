"""Taking times: medians of things that are done by turns, so that noise hits all of them alike."""

from __future__ import annotations

import math
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


class Row(NamedTuple):
    """One line of the table: what was measured, against what, and the bound on the ratio.

    What is measured is a median: seconds, or with `rate` how many in a second. `bound` is the
    largest ratio of `measured` to `against` that is promised, `least` the smallest; None promises
    nothing. `at_most` is a bound on `measured` itself. `paired` is the median of the ratios of
    pairs, which then stands for the ratio, and `note` is what the last column says in place of
    promises. Where it is no time, `unit` says what it is.
    """

    what: str
    measured: float
    against: float | None = None
    other: str = ""
    bound: float | None = None
    at_most: float | None = None
    least: float | None = None
    rate: bool = False
    paired: float | None = None
    note: str = ""
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Say whether what is promised is so."""
        if self.at_most is not None and not self.measured < self.at_most:
            return False
        if self.against is None:
            return True
        ratio = self.measured / self.against
        return (self.bound is None or ratio <= self.bound) and (
            self.least is None or ratio >= self.least
        )


def by_turns(times: int, what: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Do each of `what` so many times, by turns, and return the median seconds of each."""
    taken: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(times):
        for name, do in what.items():
            begin = time.perf_counter()
            do()
            taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def told(times: int, what: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Do each of `what`, which say how long they took, by turns; the first time does not count."""
    taken: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(times + 1):
        for name, do in what.items():
            taken[name].append(do())
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}


async def told_by_turns(
    times: int, what: Mapping[str, Callable[[], Awaitable[float]]]
) -> dict[str, float]:
    """Do each of `what`, which say how long they took, as `by_turns` does.

    All of them in one task: the threads that runs are given are kept for as long as that lasts.
    """
    taken: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(times):
        for name, do in what.items():
            taken[name].append(await do())
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def table(rows: list[Row], last: str = "promised") -> str:
    """Return the rows as text of 100 columns at most, where `what` has 41 and `other` 14."""
    lines = [f"{'what':<41} {'median':>8} {'against':<22} {'ratio':>6}  {last}"]
    for row in rows:
        against = ratio = ""
        if row.against is not None:
            against = f"{row.other} {_amount(row.against, row)}"
            ratio = f"{row.measured / row.against:.3g}"
        if row.paired is not None:
            ratio = f"{row.paired:.3f}"
        promises = [f"<= {row.bound:.3g}"] if row.bound is not None else []
        promises += [f">= {row.least:.2g}"] if row.least is not None else []
        promises += [f"< {row.at_most:.2g} {row.unit or 's'}"] if row.at_most is not None else []
        outcome = ("  ok" if row.holds else "  NO") if promises else ""
        lines.append(
            f"{row.what:<41} {_amount(row.measured, row):>8} {against:<22} {ratio:>6}  "
            f"{', '.join(promises)}{outcome}{row.note}".rstrip()
        )
    return "\n".join(lines)


def _amount(value: float, row: Row) -> str:
    if row.rate:
        return f"{value:.1f}/s"
    if row.unit:
        return f"{value:.1f} {row.unit}"
    if math.isinf(value):
        return "never"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"
