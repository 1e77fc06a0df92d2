"""The attempts of a run while it goes on, as a tree of lines that fits on a screen."""

from __future__ import annotations

from collections import Counter

from capsule.cli.render.human_units import short, size, span
from capsule.cli.render.terminal_text import cells, clip, fit, one_line
from capsule.cli.render.tree_lines import stems
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from capsule.lifecycle.events import State
    from capsule.runner.observer import Which

# The column of the time; what a name gets however narrow the screen is, and at most.
_TIME, _LEAST_NAME, _MOST_NAME = 7, 12, 40
_STATES = {"created": "waiting", "timed_out": "timed out"}


class AttemptState(NamedTuple):
    """What is known of an attempt.

    `since_ns` is when its state began, by a clock that nobody sets, and counts while it lasts. Use
    is in fuel units, bytes and milliseconds, None where nothing could tell; `fuel` was allowed.
    `saying` is the line of its output that it has not ended yet.
    """

    which: Which
    task: str
    state: State
    since_ns: int
    fuel: int | None = None
    error_type: str | None = None
    duration_ms: int | None = None
    fuel_used: int | None = None
    ram_used: int | None = None
    saying: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("created", "running")


class _Grown(NamedTuple):
    life: AttemptState
    below: tuple[_Grown, ...]


def run_tree(
    known: Mapping[int, AttemptState], now_ns: int, width: int, height: int | None = None
) -> list[str]:
    """Return a line for each attempt of a run, below the one that called it; none is wider.

    `known` has them by their numbers. Where there are more than `height` lines, the first of these
    are shown: what goes on, what failed, what is new, each below its callers; and a line counts the
    rest.
    """
    shown = set(known)
    if height is not None and len(known) > height:
        shown = _chosen(known, max(height - 1, 0))
    lines = list(_tree(known, shown, now_ns, width))
    if len(shown) < len(known):
        rest = [life for count, life in known.items() if count not in shown]
        lines.append(clip(_counted(rest), width))
    return lines


def state_of(life: AttemptState) -> str:
    """Return the state of an attempt in words."""
    said = _STATES.get(life.state, life.state)
    return f"failed: {life.error_type}" if life.state == "failed" else said


def _tree(
    known: Mapping[int, AttemptState], shown: set[int], now_ns: int, width: int
) -> Iterator[str]:
    rows = [
        (f"{stem}{_name(grown.life)}", grown.life) for stem, grown in stems(_grown(known, shown))
    ]
    if not rows:
        return
    numbers = max(len(str(life.which.serial)) for _, life in rows) + 1
    states = max(len(state_of(life)) for _, life in rows)
    # What was used is cut before a name is.
    taken = numbers + 2 + 2 + _TIME + 2 + states
    names = min(max(cells(name) for name, _ in rows), _MOST_NAME, max(width - taken, _LEAST_NAME))
    for name, life in rows:
        ns = now_ns - life.since_ns if life.duration_ms is None else life.duration_ms * 1_000_000
        time = span(ns) if life.goes_on or life.duration_ms is not None else "-"
        tail = f"│ {one_line(life.saying)}" if life.saying and life.goes_on else _use(life)
        text = (
            f"{'.' + str(life.which.serial):<{numbers}}  {fit(name, names)}  {time:>{_TIME}}"
            f"  {state_of(life):<{states}}  {tail}"
        )
        yield clip(text.rstrip(), width)


def _grown(known: Mapping[int, AttemptState], shown: set[int]) -> Sequence[_Grown]:
    below: dict[int | None, list[AttemptState]] = {}
    for count in sorted(shown):
        life = known[count]
        parent = life.which.parent
        below.setdefault(parent if parent in shown else None, []).append(life)

    def grown(life: AttemptState) -> _Grown:
        return _Grown(life, tuple(map(grown, below.get(life.which.serial, ()))))

    return tuple(map(grown, below.get(None, ())))


def _chosen(known: Mapping[int, AttemptState], room: int) -> set[int]:
    """Return which attempts are shown where there is room for so many lines."""
    chosen: set[int] = set()
    for count in sorted(known, key=lambda count: (_rank(known[count]), -count)):
        path: list[int] = []
        at: int | None = count
        while at is not None and at in known and at not in chosen:
            path.append(at)
            at = known[at].which.parent
        if len(chosen) + len(path) <= room:
            chosen.update(path)
        if len(chosen) == room:
            break
    return chosen


def _rank(life: AttemptState) -> int:
    order: tuple[State, ...] = ("running", "created")
    if life.state in order:
        return order.index(life.state)
    return 3 if life.state == "completed" else 2


def _counted(rest: Sequence[AttemptState]) -> str:
    kinds = Counter(state_of(life) for life in rest)
    said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return f"({len(rest):,} more: {said})"


def _name(life: AttemptState) -> str:
    again = f" (retry {life.which.number})" if life.which.number else ""
    return f"{one_line(life.task)}{again}"


def _use(life: AttemptState) -> str:
    if life.goes_on:
        return ""
    allowed = "" if life.fuel is None else f" of {short(life.fuel)}"
    fuel = [] if life.fuel_used is None else [f"fuel {short(life.fuel_used)}{allowed}"]
    memory = [] if life.ram_used is None else [size(life.ram_used)]
    return ", ".join(fuel + memory)
