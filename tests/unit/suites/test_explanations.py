"""Failures and their reasons: each needs the other, and a dead sandbox has none."""

from __future__ import annotations

import pytest

from scripts.suites.case import Case
from scripts.suites.explanations import Explanation, complaints, explanations, table

WHY = Explanation("It starts a process.", ("bench/start*", "bench/gone"))
PASSED = Case("bench/json", "passed", "")
KNOWN = Case("bench/startup", "failed", "OSError: no processes")
GONE = Case("bench/gone", "refused", "native")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (PASSED, None),
        (KNOWN, None),
        (Case("bench/start", "skipped", "not here"), None),
        (Case("bench/other", "failed", "ValueError: no"), "bench/other: failed: ValueError: no"),
        (Case("bench/other", "refused", "native"), "bench/other: refused: native"),
        (Case("bench/start", "passed", ""), "bench/start passes: take it out of explained.toml"),
        (
            KNOWN._replace(crash=True),
            "bench/startup: the sandbox died, which nothing explains: OSError: no processes",
        ),
    ],
)
def test_what_is_complained_of(case: Case, said: str | None) -> None:
    assert complaints([case], [WHY], whole=False) == ([] if said is None else [said])


def test_a_pattern_has_a_case_where_all_were_run() -> None:
    other = Explanation("Of a suite that was not run.", ("other/x",))
    assert complaints([KNOWN, GONE], [WHY, other], whole=True) == []
    assert complaints([KNOWN], [WHY, other], whole=True) == [
        "explained.toml: bench/gone is the key of no case"
    ]


def test_the_table_counts_each_suite() -> None:
    skipped = Case("tests/a", "skipped", "")
    died = Case("tests/b", "failed", "", crash=True)
    assert table([PASSED, KNOWN, GONE, skipped, died], [WHY])[1:] == [
        ["bench", "3", "1", "0", "2", "2", "0"],
        ["tests", "2", "0", "1", "1", "0", "1"],
    ]


def test_each_reason_is_whole_and_no_case_has_two() -> None:
    known = explanations()
    patterns = [pattern for one in known for pattern in one.patterns]
    assert all(one.why.endswith((".", '".')) and one.patterns for one in known)
    assert len(set(patterns)) == len(patterns)
