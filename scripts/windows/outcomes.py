"""What became of the tests: read from the recorder's file, counted, and told in a table."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a test, or the import of a file of tests, ended; `said` is why it did not pass."""

    test: str
    outcome: str
    said: str = ""
    seconds: float = 0.0


def read(file: Path) -> list[Ended]:
    """Return how each test ended; one that has only begun ended pytest itself."""
    found: dict[str, Ended] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        said = json.loads(line)
        if said["outcome"] == "begun":
            said |= {"outcome": "failed", "said": "it ended pytest: over its bound on time"}
        found[said["test"]] = Ended(**said)
    return list(found.values())


def keep_passed(file: Path) -> None:
    """Leave in the file those that passed, so that all others are run again."""
    ended = {each.test: each.outcome for each in read(file)}
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    kept = [line for line in lines if ended[json.loads(line)["test"]] == "passed"]
    file.write_text("".join(kept), encoding="utf-8")


def has_ended_pytest(file: Path) -> bool:
    """Say whether the last that was written is that a test began."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return bool(lines) and json.loads(lines[-1])["outcome"] == "begun"


def summary(ended: list[Ended]) -> list[str]:
    """Return the lines that say how many passed, and what became of the others.

    "needless" ones are excused and passed; "skipped" ones left themselves out.
    """
    count = Counter(each.outcome for each in ended)
    told = ("failed", "excused", "needless", "skipped")
    counts = ", ".join(f"{count[outcome]} {outcome}" for outcome in told)
    lines = [f"{len(ended):,} integration tests: {count['passed']:,} passed, {counts}"]
    used = Counter(each.said for each in ended if each.outcome in {"excused", "needless"})
    lines += [f"  {used[reason]:>4} {reason}" for reason in sorted(used)]
    reasons = Counter(each.said for each in ended if each.outcome == "skipped")
    lines += [f"  {number:>4} skipped: {said[:150]}" for said, number in reasons.most_common()]
    for outcome, words in (("failed", "FAILED"), ("needless", "EXCUSED, AND PASSED")):
        lines += [f"  {words} {each.test}" for each in ended if each.outcome == outcome]
    return lines


def is_good(ended: list[Ended]) -> bool:
    """Say whether there were tests, none failed, and none was excused for nothing."""
    return bool(ended) and not any(each.outcome in {"failed", "needless"} for each in ended)
