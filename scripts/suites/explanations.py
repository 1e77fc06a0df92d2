"""The failures that are explained: explained.toml, and what it leaves to complain of."""

from __future__ import annotations

import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.suites.case import Case

FILE = Path(__file__).with_name("explained.toml")
_NOT_RUN = ("failed", "refused")


class Explanation(NamedTuple):
    """Why cases fail, in a sentence; each pattern is a key, in which `*` stands for anything."""

    why: str
    patterns: tuple[str, ...]

    def explains(self, case: Case) -> bool:
        """Say whether this is about `case`."""
        return any(fnmatchcase(case.key, pattern) for pattern in self.patterns)


def explanations(path: Path = FILE) -> list[Explanation]:
    """Read them, in the order of the file."""
    return [
        Explanation(one["why"].strip(), tuple(one["cases"]))
        for one in tomllib.loads(path.read_text(encoding="utf-8"))["explained"]
    ]


def complaints(cases: Sequence[Case], known: Sequence[Explanation], *, whole: bool) -> list[str]:
    """Say what is wrong: failures without a reason, reasons without a failure, sandboxes that died.

    `whole` is whether every case of the suites was run, so that a pattern has to find its case.
    """
    found = []
    for case in cases:
        reasons = [one for one in known if one.explains(case)]
        if case.crash:
            found.append(f"{case.key}: the sandbox died, which nothing explains: {case.said}")
        elif case.outcome in _NOT_RUN and not reasons:
            found.append(f"{case.key}: {case.outcome}: {case.said}")
        elif case.outcome == "passed" and reasons:
            found.append(f"{case.key} passes: take it out of {FILE.name}")
    if whole:
        suites = {case.suite for case in cases}
        found += [
            f"{FILE.name}: {pattern} is the key of no case"
            for one in known
            for pattern in one.patterns
            if pattern.partition("/")[0] in suites
            and not any(fnmatchcase(case.key, pattern) for case in cases)
        ]
    return found


def table(cases: Sequence[Case], known: Sequence[Explanation]) -> list[list[str]]:
    """Count, suite by suite: cases, passed, skipped by the suite itself, failed, explained."""
    rows = [["suite", "cases", "passed", "skipped", "failed", "explained", "sandbox died"]]
    for suite in dict.fromkeys(case.suite for case in cases):
        part = [case for case in cases if case.suite == suite]
        counts = Counter("failed" if one.outcome in _NOT_RUN else one.outcome for one in part)
        explained = sum(
            one.outcome in _NOT_RUN and any(each.explains(one) for each in known) for one in part
        )
        numbers = [len(part), *(counts[name] for name in ("passed", "skipped", "failed"))]
        died = sum(one.crash for one in part)
        rows.append([suite, *map(str, [*numbers, explained, died])])
    return rows
