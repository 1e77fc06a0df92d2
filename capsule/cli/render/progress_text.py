"""How far long work is: a bar, or a line when it begins, now and then, and when it ends."""

from __future__ import annotations

from collections import deque

from capsule.cli.render.human_units import span
from capsule.cli.render.terminal_text import cells, clip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Step

# The most and the least columns of a bar, and what figures take: it has one length for all of them.
_BAR, _LEAST_BAR, _FIGURES = 20, 4, 36
_FULL, _EMPTY = "█", "░"
_MB = 1e6
# How many seconds a rate looks back: what was long ago says little about what is to come.
_WINDOW = 10.0
# Nobody waits longer, in seconds: what would take that long stands still.
_STILL = 1e6
_NS = 1_000_000_000


class Pace:
    """How far a step is, and how fast it has been lately; `now` is in seconds, by any clock."""

    def __init__(self, step: Step, now: float) -> None:
        self.step, self.begin = step, now
        self.done = 0.0
        self._marks: deque[tuple[float, float]] = deque([(now, 0.0)])

    def update(self, done: float, now: float) -> None:
        """Take that so much is done, in the unit of the step."""
        self.done = done
        self._marks.append((now, done))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _WINDOW:
            self._marks.popleft()

    def rate(self, now: float) -> float:
        """Return how much is done in a second; 0 where that cannot be said yet."""
        begin, before = self._marks[0]
        return max(self.done - before, 0) / (now - begin) if now > begin else 0.0

    def left(self, now: float) -> float | None:
        """Return about how many seconds it will still take; None where that cannot be said."""
        if self.step.unit == "seconds":
            return max(self.step.total - (now - self.begin), 0)
        rest, rate = max(self.step.total - self.done, 0), self.rate(now)
        return rest / rate if self.step.total and rest < rate * _STILL else None

    def share(self, now: float) -> float | None:
        """Return how much of it is done, from 0 to 1; None where that cannot be said."""
        done = now - self.begin if self.step.unit == "seconds" else self.done
        return min(done / self.step.total, 1.0) if self.step.total else None


def bar(pace: Pace, now: float, width: int) -> str:
    """Return a step that goes on as one line that is at most so wide."""
    figures = "  ".join(_figures(pace, now))
    share = pace.share(now)
    room = min(width - cells(pace.step.label) - _FIGURES - 4, _BAR)
    if share is None or room < _LEAST_BAR:
        return clip(f"{pace.step.label}  {figures}", width)
    full = int(share * room)
    return clip(f"{pace.step.label}  {_FULL * full}{_EMPTY * (room - full)}  {figures}", width)


def begun(step: Step) -> str:
    """Return what is said when a step begins.

    >>> from capsule.progress import Step
    >>> begun(Step("fetching", 17_400_000, "bytes")), begun(Step("compiling", 19, "seconds"))
    ('fetching (17.4 MB)', 'compiling (about 19 s)')
    """
    if step.unit == "bytes":
        return f"{step.label} ({step.total / _MB:.1f} MB)"
    if step.unit == "items":
        return f"{step.label} ({_items(step.total) if step.total else 'items as they come'})"
    return f"{step.label} (about {step.total:.0f} s)"


def midway(pace: Pace, now: float) -> str:
    """Return what is said of a step that takes long."""
    share = pace.share(now)
    percent = [] if share is None else [f"{int(share * 100)} %"]
    if pace.step.unit == "seconds":
        percent = []
    return f"{pace.step.label}: {', '.join([*percent, *_figures(pace, now)])}"


def over(pace: Pace, now: float, *, whole: bool) -> str:
    """Return what is said when a step has ended, `whole` or before all of it was done."""
    step, took = pace.step, now - pace.begin
    if step.unit == "seconds":
        return f"{step.label}: {'done' if whole else 'stopped'} after {took:.1f} s"
    if step.unit == "items":
        # Whoever wants no more of them ends the step without an error.
        whole = whole and pace.done >= step.total
    done = max(step.total, pace.done) if whole else pace.done
    if not whole:
        amount = (
            f"{done / _MB:.1f} of {step.total / _MB:.1f} MB"
            if step.unit == "bytes"
            else f"{done:,.0f} of {_items(step.total)}"
            if step.total
            else _items(done)
        )
        return f"{step.label}: stopped at {amount} after {took:.1f} s"
    rate = done / max(took, 0.001)
    if step.unit == "bytes":
        said = f"{done / _MB:.1f} MB in {took:.1f} s, {rate / _MB:.1f} MB/s"
    else:
        said = f"{_items(done)} in {took:.1f} s, {rate:.1f} a second"
    return f"{step.label}: {said}"


def _figures(pace: Pace, now: float) -> list[str]:
    step, rate, left = pace.step, pace.rate(now), pace.left(now)
    if step.unit == "seconds":
        spent = f"{now - pace.begin:.0f} s"
        return [spent, f"about {_whole(left)} left" if left else "longer than usual"]
    soon = [] if left is None else [f"{_whole(left)} left"]
    if step.unit == "bytes":
        amount = f"{pace.done / _MB:.1f}/{step.total / _MB:.1f} MB"
        return [amount, *([f"{rate / _MB:.1f} MB/s"] if rate else []), *soon]
    amount = f"{pace.done:,.0f}/{step.total:,.0f}" if step.total else _items(pace.done)
    return [amount, *([f"{rate:.1f} a second"] if rate else []), *soon]


def _items(count: float) -> str:
    return "1 item" if count == 1 else f"{count:,.0f} items"


def _whole(seconds: float) -> str:
    return span(max(round(seconds), 1) * _NS)
