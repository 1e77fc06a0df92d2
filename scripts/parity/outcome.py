"""What the suite found: where each program stands, and the table of them."""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from scripts.parity.answer_text import answer_text
from scripts.parity.comparison import Likeness, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scripts.parity.program_files import Program


class Outcome(Enum):
    """Where a program stands in the table."""

    EQUAL = "equal"
    WITHIN = "within tolerance"
    DOCUMENTED = "different and documented"
    SILENT = "different and silent"


class Result(NamedTuple):
    """One program's outcome; what both sides said, in short, where that is not the same."""

    key: str
    outcome: Outcome
    tolerance: str
    figure: str = ""
    inside: str = ""
    outside: str = ""

    @property
    def group(self) -> str:
        """The file that the program stands in."""
        return self.key.partition("/")[0]


def judge(program: Program, inside: str, outside: str, documented: Iterable[str]) -> Result:
    """Say where a program stands, by its answers.

    >>> from scripts.parity.program_files import EXACT, Program
    >>> program = Program("sums/one", "sums", "1", EXACT)
    >>> judge(program, '{"value": 1}', '{"value": 2}', ["sums/one"]).outcome.value
    'different and documented'
    """
    found = compare(inside, outside, program.tolerance)
    if found.likeness is Likeness.EQUAL:
        return Result(program.key, Outcome.EQUAL, program.tolerance.text)
    if found.likeness is Likeness.WITHIN:
        outcome = Outcome.WITHIN
    else:
        outcome = Outcome.DOCUMENTED if program.key in documented else Outcome.SILENT
    texts = (answer_text(json.loads(answer)) for answer in (inside, outside))
    return Result(program.key, outcome, program.tolerance.text, found.figure, *texts)


def unfounded(results: Sequence[Result], documented: Iterable[str]) -> list[str]:
    """Name what is documented as different and is not, or is no program.

    >>> unfounded([], ["sums/one"])
    ['sums/one']
    """
    differ = {one.key for one in results if one.outcome is Outcome.DOCUMENTED}
    return sorted({*documented} - differ)


def counts(results: Iterable[Result]) -> dict[str, dict[Outcome, int]]:
    """Count the outcomes of each group, in the order in which they come."""
    found: dict[str, dict[Outcome, int]] = {}
    for one in results:
        row = found.setdefault(one.group, dict.fromkeys(Outcome, 0))
        row[one.outcome] += 1
    return found


def table(rows: dict[str, dict[Outcome, int]]) -> list[tuple[str, ...]]:
    """Make the table of counts: its heads, a row for each group, and one for all.

    >>> table({"sums": dict.fromkeys(Outcome, 1)})[1:]
    [('sums', '4', '1', '1', '1', '1'), ('all', '4', '1', '1', '1', '1')]
    """
    lines = [("", "programs", *(outcome.value for outcome in Outcome))]
    every = {outcome: sum(row[outcome] for row in rows.values()) for outcome in Outcome}
    for name, row in (*rows.items(), ("all", every)):
        lines.append((name, str(sum(row.values())), *(str(row[outcome]) for outcome in Outcome)))
    return lines


def aligned(lines: Sequence[tuple[str, ...]]) -> str:
    """Write a table for a terminal: the first column to the left, the others to the right.

    >>> print(aligned([("", "n"), ("all", "12")]))
          n
    all  12
    """
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        )
        for line in lines
    )
