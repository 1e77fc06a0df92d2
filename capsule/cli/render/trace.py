"""One run, as text: its tree with a timeline, then what each attempt was allowed and used."""

from __future__ import annotations

from datetime import datetime

from capsule.cli.render.attempt_details import details
from capsule.cli.render.human_units import age, span
from capsule.cli.render.terminal_text import cells, clip, fit, one_line
from capsule.cli.render.timeline import bar, extent, ruler, span_of
from capsule.cli.render.tree_lines import number_of, tree_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.cli.render.tree_lines import TreeLine
    from capsule.lifecycle.reader import Run
    from capsule.lifecycle.schema import Attempt

_STATE, _TIME = 9, 7
_LEAST_BAR = 16
_LONGEST_NAME = 40


def trace(run: Run, now_ns: int, width: int) -> Iterator[str]:
    """Yield the lines of a run; none is wider than `width`."""
    lines = tuple(tree_lines(run.attempts))
    first, last = run.attempts[0].attempt, run.attempts[-1].attempt
    spans = [span_of(line.node.attempt, now_ns) for line in lines]
    whole = extent(spans)
    yield from _head(run, first, last, now_ns, width)
    yield ""
    yield from _tree(lines, now_ns, whole, width)
    for line in lines:
        yield ""
        yield from details(line.node, width)


def layers_of(row: Attempt) -> str:
    """Return which walls stood around the sandboxes besides WebAssembly."""
    names = [f"Landlock (ABI {row.landlock})"] * (row.landlock > 0)
    names += ["a filter of system calls"] * bool(row.seccomp)
    return ", ".join(["WebAssembly", *names])


def outcome(first: Attempt, last: Attempt, now_ns: int) -> str:
    """Return how a run ended, or what it does, and how long that took."""
    state = last.state.replace("_", " ")
    if last.elapsed_ns is not None:
        return f"{state} after {span(last.created_ns + last.elapsed_ns - first.created_ns)}"
    if last.state in ("created", "running"):
        return f"{state} for {span(now_ns - first.created_ns)}"
    return state


def _head(run: Run, first: Attempt, last: Attempt, now_ns: int, width: int) -> Iterator[str]:
    began = datetime.fromtimestamp(first.created_ns / 1e9).astimezone()
    yield clip(f"run {run.id}: {outcome(first, last, now_ns)}", width)
    for label, text in (
        ("file", one_line(first.file or "-")),
        ("began", f"{began:%Y-%m-%d %H:%M:%S}, {age(now_ns - first.created_ns)} ago"),
        ("program", f"pid {first.host_pid}"),
        ("walls", layers_of(first)),
    ):
        yield clip(f"  {label:<9}{text}", width)


def _tree(
    lines: Sequence[TreeLine], now_ns: int, whole: tuple[int, int], width: int
) -> Iterator[str]:
    numbers = max(len(number_of(line.node.attempt.id)) for line in lines)
    taken = 2 + numbers + 2 + 2 + _STATE + 2 + _TIME + 2
    longest = min(max(cells(_name(line)) for line in lines), _LONGEST_NAME)
    names = max(min(longest, width - taken - _LEAST_BAR), 1)
    room = max(width - taken - names, 1)
    yield clip(" " * (taken + names) + ruler(span(whole[1] - whole[0]), room), width).rstrip()
    for line in lines:
        row = line.node.attempt
        at_work = span_of(row, now_ns)
        length = "-" if at_work.end is None else span(at_work.end - at_work.made)
        text = (
            f"  {number_of(row.id):<{numbers}}  {fit(_name(line), names)}  {row.state:<{_STATE}}"
            f"  {length:>{_TIME}}  {bar(at_work, whole, room)}"
        )
        yield clip(text, width).rstrip()


def _name(line: TreeLine) -> str:
    row = line.node.attempt
    again = f" (retry {row.number})" if row.number else ""
    return f"{line.stem}{one_line(row.task)}{again}"
