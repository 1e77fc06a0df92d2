"""What the attempts of a run used, beside each other: bars for a page, as long as their shares."""

from __future__ import annotations

from capsule.cli.render.human_units import size, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from capsule.lifecycle.schema import Attempt


def use(rows: Sequence[tuple[str, Attempt]]) -> Iterator[str]:
    """Yield a table of bars; each row comes with what stands in front of it, as HTML.

    The longest bar of a column is the most that an attempt used.
    """
    fuel = [row.fuel_consumed for _, row in rows]
    memory = [row.ram_used for _, row in rows]
    time = [None if row.duration_ms is None else row.duration_ms * 1_000_000 for _, row in rows]
    yield "<table><thead><tr><th>attempt</th><th>fuel</th><th>memory</th><th>time</th></tr></thead>"
    yield "<tbody>"
    for place, (named, _) in enumerate(rows):
        yield f"<tr><td>{named}</td>"
        yield _bar(fuel[place], fuel, "{:,}".format)
        yield _bar(memory[place], memory, size)
        yield _bar(time[place], time, span)
        yield "</tr>"
    yield "</tbody></table>"


# Of a cell's width, so that the longest bar ends before the next column.
_LONGEST = 0.96


def _bar(amount: int | None, all_of_them: Sequence[int | None], shown: Callable[[int], str]) -> str:
    if amount is None:
        return '<td class="chart">?</td>'
    most = max(other for other in all_of_them if other is not None)
    part = _LONGEST * amount / most if most else 0
    return f'<td class="chart"><i style="width:{part:.2%}"></i><span>{shown(amount)}</span></td>'
