"""What is excused on Windows, and how the outcomes of tests are read and told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripts.windows import outcomes
from scripts.windows.excuses import Excuse, excuse_of, excused, load
from scripts.windows.outcomes import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BY_PARAMETER = Excuse(("tests/a.py::test_x[1-*]", "tests/b.py*"), "posix", "no signals")


@pytest.mark.parametrize(
    ("test", "fits"),
    [
        ("tests/a.py::test_x[1-2]", True),
        ("tests/a.py::test_x[2-1]", False),
        ("tests/a.py::test_x", False),
        ("tests/b.py", True),
        ("tests/b.py::test_y", True),
        ("tests/c.py::test_y", False),
    ],
)
def test_brackets_of_a_pattern_are_those_of_parameters(test: str, fits: bool) -> None:
    assert (excuse_of(test, [BY_PARAMETER]) is not None) == fits


def test_of_cases_that_are_alike_one_in_some_is_run_in_each_file() -> None:
    alike = Excuse(("tests/a.py*", "tests/b.py*"), "time", "alike", runs=False, every=3)
    other = Excuse(("tests/a.py::2",), "posix", "no signals")
    tests = [f"tests/{file}.py::{number}" for file in "ab" for number in range(5)]
    left = {test: each.reason for test, each in excused(tests, [other, alike]).items()}
    assert left == {
        **dict.fromkeys(["tests/a.py::1", "tests/a.py::3"], "alike"),
        "tests/a.py::2": "no signals",
        **dict.fromkeys(["tests/b.py::1", "tests/b.py::2", "tests/b.py::4"], "alike"),
    }


def test_an_excuse_by_an_error_is_one_for_that_error_alone() -> None:
    by_error = Excuse(("tests/*",), "posix", "no pty", error="no pty")
    assert excused(["tests/a.py::x"], [by_error]) == {}
    assert excuse_of("tests/a.py::x", [by_error]) is None
    assert excuse_of("tests/a.py::x", [BY_PARAMETER, by_error], "E  no pty here") is by_error
    assert excuse_of("tests/b.py::x", [BY_PARAMETER, by_error], "E  other") is None
    assert excuse_of("other/a.py::x", [by_error], "E  no pty here") is None


def test_what_passed_is_not_run_again(tmp_path: Path) -> None:
    said = {name: {"test": name, "outcome": name} for name in ("passed", "failed", "excused")}
    begun = [{"test": name, "outcome": "begun"} for name in (*said, "hung")]
    file = written(tmp_path, *begun, *said.values())
    outcomes.keep_passed(file)
    assert outcomes.read(file) == [Ended("passed", "passed")]
    outcomes.keep_passed(tmp_path / "none")
    assert outcomes.read(tmp_path / "none") == []


def test_the_shipped_file_is_understood() -> None:
    found = load()
    assert found
    assert all(pattern.startswith("tests/integration/") for each in found for pattern in each.tests)


@pytest.mark.parametrize(
    "entry",
    [
        'tests = ["a"]\nkind = "moon"\nreason = "x"',
        'tests = []\nkind = "wine"\nreason = "x"',
        'tests = ["a"]\nkind = "wine"\nreason = ""',
        'tests = ["a"]\nkind = "wine"\nreason = "x"\nrun = false',
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "excused.toml").write_text(f"[[excused]]\n{entry}\n")
    with pytest.raises(ValueError, match="not understood"):
        load(tmp_path / "excused.toml")


def written(folder: Path, *lines: Mapping[str, object]) -> Path:
    file = folder / "outcomes.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_a_test_that_only_began_has_ended_pytest(tmp_path: Path) -> None:
    begun = {"test": "a", "outcome": "begun"}
    done = {"test": "a", "outcome": "passed", "said": "", "seconds": 1.0}
    assert not outcomes.has_ended_pytest(tmp_path / "none")
    assert not outcomes.has_ended_pytest(written(tmp_path, begun, done))
    file = written(tmp_path, begun, done, {"test": "b", "outcome": "begun"})
    assert outcomes.has_ended_pytest(file)
    assert [each.outcome for each in outcomes.read(file)] == ["passed", "failed"]


def test_all_that_did_not_pass_is_told() -> None:
    ended = [
        Ended("tests/c.py::x", "passed"),
        Ended("tests/a.py::test_x[1-2]", "excused", "posix: no signals"),
        Ended("tests/b.py::y", "needless", "posix: no signals"),
        Ended("tests/c.py::z", "failed", "why"),
        Ended("tests/c.py::w", "skipped", "Skipped: not here"),
    ]
    assert outcomes.summary(ended) == [
        "5 integration tests: 1 passed, 1 failed, 1 excused, 1 needless, 1 skipped",
        "     2 posix: no signals",
        "     1 skipped: Skipped: not here",
        "  FAILED tests/c.py::z",
        "  EXCUSED, AND PASSED tests/b.py::y",
    ]
    assert not outcomes.is_good(ended)


@pytest.mark.parametrize(
    ("ended", "good"),
    [
        (["passed", "excused", "skipped"], True),
        (["passed", "failed"], False),
        (["passed", "needless"], False),
        ([], False),
    ],
)
def test_when_it_is_good(ended: list[str], good: bool) -> None:
    assert outcomes.is_good([Ended(f"{at}", each) for at, each in enumerate(ended)]) == good
