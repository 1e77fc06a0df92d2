"""A plugin of pytest, inside the Windows Python: it excuses tests, and writes down how each ended.

A line is written when a test begins and when it has ended: what ends pytest itself, as a bound on
time does on Windows, is known by the test that has only begun. Run again, it goes on behind that.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.windows.excuses import excuse_of, excused, load
from scripts.windows.recorder_variable import EACH, VARIABLE

if sys.platform == "win32":
    import _winapi

    # wine 8 lacks what Python would copy a file by, and ends a program that calls it.
    del _winapi.CopyFile2

_OUTCOMES = Path(os.environ[VARIABLE])
# How pytest begins the reason for a test that it was not to run.
_NOT_TRIED = "[NOTRUN] "
_reports: dict[str, list[pytest.TestReport]] = {}


def _write(**line: Any) -> None:
    with _OUTCOMES.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has begun in an earlier round, and excuse what is excused."""
    seen = {json.loads(line)["test"] for line in _lines()}
    excuses = [excuse for excuse in load() if not (EACH in os.environ and excuse.every)]
    found = excused([item.nodeid for item in items], excuses)
    left = [item for item in items if item.nodeid not in seen]
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in seen])
    for item in left:
        if (excuse := found.get(item.nodeid)) is not None:
            mark = pytest.mark.xfail(reason=str(excuse), run=excuse.runs, strict=False)
            item.add_marker(mark, append=False)
    items[:] = left


def _lines() -> list[str]:
    return _OUTCOMES.read_text(encoding="utf-8").splitlines() if _OUTCOMES.exists() else []


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Write down a file that cannot be imported, or that does not apply."""
    seen = {json.loads(line)["test"] for line in _lines()}
    if report.outcome != "passed" and report.nodeid not in seen:
        said = str(report.longrepr)
        _write(test=report.nodeid, outcome=report.outcome, said=said[-2000:])


def pytest_runtest_logstart(nodeid: str) -> None:
    """Write down that a test begins."""
    _reports[nodeid] = []
    _write(test=nodeid, outcome="begun")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what became of a part of a test."""
    _reports[report.nodeid].append(report)


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Write down how a test ended."""
    outcome, said, seconds = "passed", "", 0.0
    for report in _reports.pop(nodeid):
        seconds += report.duration
        if hasattr(report, "wasxfail"):
            # Excused: it failed, or it was tried and passed.
            outcome = "excused" if report.skipped else "needless"
            said = report.wasxfail.removeprefix(_NOT_TRIED)
        elif report.outcome != "passed" and outcome != "failed":
            outcome, said = report.outcome, _said(report)
    if outcome == "failed" and (excuse := excuse_of(nodeid, load(), said)) is not None:
        outcome, said = "excused", str(excuse)
    _write(test=nodeid, outcome=outcome, said=said, seconds=round(seconds, 2))


def _said(report: pytest.TestReport) -> str:
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(report.longrepr)[-4000:]
