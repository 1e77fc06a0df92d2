"""What was measured last, kept for docs/differences.md: counts, and what was not equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from scripts.parity.outcome import Outcome, Result, counts

FILE = Path(__file__).with_name("measured.json")


class Measured(NamedTuple):
    """One run of the suite: the versions of both sides, counts, and all that is not equal."""

    inside: dict[str, str]
    outside: dict[str, str]
    counts: dict[str, dict[Outcome, int]]
    results: list[Result]


def measured(inside: dict[str, str], outside: dict[str, str], results: list[Result]) -> Measured:
    """Keep what the page needs of a run."""
    unequal = [one for one in results if one.outcome is not Outcome.EQUAL]
    return Measured(inside, outside, counts(results), unequal)


def replaced(old: Measured, new: Measured) -> Measured:
    """Put a run of some groups in the place of what was measured of them before."""
    rows = dict(sorted({**old.counts, **new.counts}.items()))
    others = [one for one in old.results if one.group not in new.counts]
    # Programs of a group stay in their order.
    results = sorted([*others, *new.results], key=lambda one: one.group)
    return Measured(old.inside | new.inside, old.outside | new.outside, rows, results)


def write(one: Measured, path: Path = FILE) -> None:
    """Write it, a line for each program, so that a change of it can be read."""
    lines = [json.dumps([result.key, result.outcome.value, *result[2:]]) for result in one.results]
    rows = [
        json.dumps([name, *(row[outcome] for outcome in Outcome)])
        for name, row in one.counts.items()
    ]
    path.write_text(
        "{\n"
        f'"inside": {json.dumps(one.inside)},\n'
        f'"outside": {json.dumps(one.outside)},\n'
        '"counts": [\n' + ",\n".join(rows) + "\n],\n"
        '"results": [\n' + ",\n".join(lines) + "\n]\n}\n"
    )


def read(path: Path = FILE) -> Measured:
    """Read what was measured last."""
    tree = json.loads(path.read_text())
    rows = {name: dict(zip(Outcome, numbers, strict=True)) for name, *numbers in tree["counts"]}
    results = [Result(key, Outcome(outcome), *rest) for key, outcome, *rest in tree["results"]]
    return Measured(tree["inside"], tree["outside"], rows, results)
