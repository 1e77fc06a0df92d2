"""A list of runs, as text."""

from __future__ import annotations

import re
from pathlib import PurePath

from capsule.cli.render.human_units import age, short, size, span
from capsule.cli.render.terminal_text import clip, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.lifecycle.reader import Summary

_UNKNOWN = "-"
_TURN = re.compile(r"turn \d+ of .")


def run_list(runs: Sequence[Summary], now_ns: int, width: int) -> Iterator[str]:
    """Yield a heading and a line for each run; none is wider than `width`."""
    yield _line("RUN", "AGE", "STATE", "TIME", "FUEL", "MEMORY", "TASK", width)
    for run in runs:
        row = run.last
        others = run.attempts - 1
        more = f" +{others}" if others else ""
        file = "" if row.file is None else one_line(PurePath(row.file).name or row.file)
        # Of a session's turn, "turn 3 of work.state" says it all.
        named = f"{file}{more}" if _TURN.match(file) else f"{one_line(row.task)}{more}  {file}"
        yield _line(
            row.run,
            age(now_ns - run.created_ns),
            row.state,
            _UNKNOWN if row.elapsed_ns is None else span(_length(run)),
            _UNKNOWN if row.fuel_consumed is None else short(row.fuel_consumed),
            _UNKNOWN if row.ram_used is None else size(row.ram_used),
            named.rstrip(),
            width,
        )


def _length(run: Summary) -> int:
    """Return how long a run took, with the attempts before the last."""
    return run.last.created_ns - run.created_ns + (run.last.elapsed_ns or 0)


def _line(  # noqa: PLR0913, PLR0917 - the columns
    run: str, ago: str, state: str, time: str, fuel: str, memory: str, task: str, width: int
) -> str:
    columns = f"{run:<16}  {ago:>4}  {state:<9}  {time:>7}  {fuel:>6}  {memory:>7}  {task}"
    return clip(columns, width)
