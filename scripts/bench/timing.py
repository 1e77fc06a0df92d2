"""Taking times: medians of things that are done by turns, so that noise hits all of them alike."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Row(NamedTuple):
    """One line of the table: what was measured, against what, and the bound on the ratio.

    Times are medians in seconds. `bound` is the largest ratio of `measured` to `against` that is
    promised; None promises nothing. `at_most` is a bound in seconds.
    """

    what: str
    measured: float
    against: float | None = None
    other: str = ""
    bound: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Say whether what is promised is so."""
        ratio_holds = (
            self.bound is None
            or self.against is None
            or (self.measured <= self.bound * self.against)
        )
        return ratio_holds and (self.at_most is None or self.measured < self.at_most)


def by_turns(times: int, what: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Do each of `what` so many times, by turns, and return the median seconds of each."""
    taken: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(times):
        for name, do in what.items():
            begin = time.perf_counter()
            do()
            taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def table(rows: list[Row]) -> str:
    """Return the rows as text of 100 columns at most."""
    lines = [f"{'what':<45} {'median':>8}  {'against':<20} {'ratio':>6}  promised"]
    for row in rows:
        against = ratio = promised = ""
        if row.against is not None:
            against = f"{row.other} {_seconds(row.against)}"
            ratio = f"{row.measured / row.against:.3g}"
        if row.bound is not None:
            promised = f"<= {row.bound:.3g}"
        if row.at_most is not None:
            promised += f"{', ' if promised else ''}< {_seconds(row.at_most)}"
        verdict = "" if not promised else ("  ok" if row.holds else "  NOT SO")
        lines.append(
            f"{row.what:<45} {_seconds(row.measured):>8}  {against:<20} {ratio:>6}  "
            f"{promised}{verdict}".rstrip()
        )
    return "\n".join(lines)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"
