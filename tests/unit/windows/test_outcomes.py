"""What is excused on Windows, and how the outcomes of tests are read and told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripts.windows import outcomes
from scripts.windows.excuses import Excuse, excuse_of, load
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
        Ended("tests/a.py::test_x[1-2]", "excused"),
        Ended("tests/b.py::y", "needless"),
        Ended("tests/c.py::z", "failed", "why"),
        Ended("tests/c.py::w", "skipped", "Skipped: not here"),
    ]
    assert outcomes.summary(ended, [BY_PARAMETER]) == [
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
