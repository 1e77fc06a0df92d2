"""What the tests of CPython said, line by line, becomes a case for each test."""

from __future__ import annotations

from typing import Any

from scripts.suites.case import Case
from scripts.suites.cpython_tests import cases


def test_the_worst_that_was_said_of_a_test_holds() -> None:
    said: list[dict[str, Any]] = [
        {"place": 0, "test": "test.test_re.A.test_one", "said": "began"},
        {"test": "test.test_re.A.test_one", "said": "failed", "why": "(part=1) ValueError: no\nx"},
        {"test": "test.test_re.A.test_one", "said": "failed", "why": "(part=2) ValueError: no"},
        {"place": 1, "test": "test.test_re.A.test_two", "said": "began"},
        {"test": "test.test_re.A.test_two", "said": "skipped", "why": "no threads"},
        {"place": 2, "test": "test.other.A.test_three", "said": "began"},
        {"test": "test.other.A.test_three", "said": "passed"},
        {"place": 3, "test": "test.test_re.A.test_four", "said": "began"},
        {"test": "test.test_re.A.test_four", "said": "failed", "why": "trap", "crash": True},
        {"place": 4, "test": "test.test_re.A.test_five", "said": "began"},
    ]
    assert list(cases("test_re", said)) == [
        Case("test_re/A.test_one", "failed", "(part=1) ValueError: no"),
        Case("test_re/A.test_two", "skipped", "no threads"),
        Case("test_re/other.A.test_three", "passed", ""),
        Case("test_re/A.test_four", "failed", "trap", crash=True),
        Case("test_re/A.test_five", "failed", "it began, and nothing was heard of it"),
    ]
