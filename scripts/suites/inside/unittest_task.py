"""The task that runs a module of CPython's tests; inside, this text is the task's file.

What happens is written to a mounted file line by line, so that it is known whatever ends the run.
"""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from capsule import task

if TYPE_CHECKING:
    from collections.abc import Iterator

# A part of a traceback that is enough to know why.
_LONGEST = 2_000


class _Lines(unittest.TestResult):
    """Writes a line when a test begins, and one for whatever is said of it."""

    def __init__(self, file: TextIO, begin: int) -> None:
        super().__init__()
        self._file = file
        self._place = begin - 1

    def _write(self, **said: Any) -> None:
        self._file.write(json.dumps(said) + "\n")
        self._file.flush()

    def startTest(self, test: unittest.TestCase) -> None:
        self._place += 1
        self._write(place=self._place, test=test.id(), said="began")

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._write(test=test.id(), said="passed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        # What is skipped may be a part of a test.
        whole = getattr(test, "test_case", test)
        self._write(test=whole.id(), said="skipped", why=reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._write(test=test.id(), said="passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._write(test=test.id(), said="failed", why="succeeded, which is not expected")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._failed(test, test, err)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._failed(test, test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self._failed(test, subtest, err)

    def _failed(self, test: unittest.TestCase, part: unittest.TestCase, err: Any) -> None:
        why = self._exc_info_to_string(err, test)  # type: ignore[attr-defined]
        lines = why.strip().splitlines()
        said = f"{part.id().removeprefix(test.id()).strip()} {lines[-1]}".strip()
        self._write(test=test.id(), said="failed", why=said[:_LONGEST], trace=why[-_LONGEST:])


def _each(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from _each(one)
        else:
            yield one


@task(name="main", compute="100_000_000_000_000")
def main(folder: str, module: str, lines: str, begin: int) -> int:
    """Run the tests of `module` from the one at place `begin` on; return how many there are."""
    sys.path.insert(0, folder)
    tests = list(_each(unittest.defaultTestLoader.loadTestsFromName(module)))
    with Path(lines).open("a", encoding="utf-8") as file:
        unittest.TestSuite(tests[begin:]).run(_Lines(file, begin))
    return len(tests)
