"""What runs now, as text."""

from __future__ import annotations

from itertools import groupby

from capsule.cli.render.human_units import size, span
from capsule.cli.render.terminal_text import cells, clip, fit, one_line
from capsule.cli.render.tree_lines import number_of, tree_lines
from capsule.policy.units import format_compute, format_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.cli.render.tree_lines import TreeLine
    from capsule.lifecycle.reader import Node
    from capsule.lifecycle.schema import Attempt

# The columns of the state and the age.
_STATE, _AGE = 7, 7
_LEAST_NAME = 12


def ps_lines(nodes: Sequence[Node], now_ns: int, width: int) -> Iterator[str]:
    """Yield a line for each run and, below it, for each of its attempts; none is wider."""
    for _, group in groupby(nodes, lambda node: node.attempt.run):
        trees = tuple(group)
        yield from _run(trees, now_ns, width)


def limits_of(row: Attempt) -> str:
    """Return under which limits an attempt is made."""
    compute = format_compute(row.compute).replace("_", ",")
    ram = "" if row.ram is None else f", ram {size(row.ram)}"
    timeout = "" if row.timeout_ms is None else f", timeout {format_timeout(row.timeout_ms)}"
    return f"fuel {compute}{ram}{timeout}"


def _run(trees: Sequence[Node], now_ns: int, width: int) -> Iterator[str]:
    first = trees[0].attempt
    file = "" if first.file is None else f"  {one_line(first.file)}"
    yield clip(f"{first.run}  pid {first.host_pid}{file}", width)
    lines = tuple(tree_lines(trees))
    numbers = max(len(number_of(line.node.attempt.id)) for line in lines)
    rest = 2 + numbers + 2 + 2 + _STATE + 2 + _AGE + 2
    names = max(cells(_name(line)) for line in lines)
    limits = max(len(limits_of(line.node.attempt)) for line in lines)
    names = min(names, max(width - rest - limits, _LEAST_NAME))
    for line in lines:
        row = line.node.attempt
        age = span(max(now_ns - row.created_ns, 0))
        yield clip(
            f"  {number_of(row.id):<{numbers}}  {fit(_name(line), names)}  {row.state:<{_STATE}}"
            f"  {age:>{_AGE}}  {limits_of(row)}",
            width,
        )


def _name(line: TreeLine) -> str:
    row = line.node.attempt
    again = f" (retry {row.number})" if row.number else ""
    return f"{line.stem}{one_line(row.task)}{again}"
