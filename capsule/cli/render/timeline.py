"""When each attempt of a run was at work, as a bar on a line."""

from __future__ import annotations

import math

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from capsule.lifecycle.schema import Attempt

_WAITING, _RUNNING, _UNKNOWN = "░", "█", "?"


class Span(NamedTuple):
    """When an attempt was made, began and ended, in nanoseconds; `end` None where nobody knows."""

    made: int
    began: int | None
    end: int | None


def span_of(row: Attempt, now_ns: int) -> Span:
    """Return when an attempt was at work; one that still is ends now."""
    if row.elapsed_ns is not None:
        # By the clock that nobody sets, as long as the attempt went on.
        return Span(row.created_ns, row.started_ns, row.created_ns + row.elapsed_ns)
    ps_lines = row.state in ("created", "running")
    end = max(now_ns, row.started_ns or row.created_ns) if ps_lines else None
    return Span(row.created_ns, row.started_ns, end)


def extent(spans: Iterable[Span]) -> tuple[int, int]:
    """Return when the first began and the last ended, as far as that is known.

    >>> extent([Span(5, 6, 9), Span(7, None, None)])
    (5, 9)
    """
    known = tuple(spans)
    first = min(span.made for span in known)
    return first, max(max(span.end or 0, span.began or 0, span.made) for span in known)


def bar(span: Span, whole: tuple[int, int], width: int) -> str:
    """Draw when an attempt waited and ran, within the extent of a run.

    >>> bar(Span(0, 50, 100), (0, 100), 10), bar(Span(99, 99, 99), (0, 100), 10)
    ('░░░░░█████', '         █')
    >>> bar(Span(50, 50, None), (0, 100), 10)
    '     █?'
    """
    start, end = whole
    scale = width / max(end - start, 1)

    def place(at: int) -> int:
        return min(max(math.floor((at - start) * scale), 0), width)

    left = min(place(span.made), width - 1)
    if span.end is None:
        drawn = _WAITING if span.began is None else _RUNNING
        return " " * left + drawn + _UNKNOWN * (left + 1 < width)
    right = max(place(span.end), left + 1)
    if span.began is None:
        return " " * left + _WAITING * (right - left)
    middle = min(max(place(span.began), left), right - 1)
    return " " * left + _WAITING * (middle - left) + _RUNNING * (right - middle)


def ruler(length: str, width: int) -> str:
    """Draw what a line of bars stands for.

    >>> ruler("1.23 s", 20)
    '0 ─────────── 1.23 s'
    """
    line = width - len(length) - 3
    return f"0 {'─' * max(line, 1)} {length}"[: max(width, 0)]
