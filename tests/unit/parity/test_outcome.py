"""Where programs stand, and what is kept of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.parity import measured, stored_answers
from scripts.parity.differences import differences
from scripts.parity.outcome import Outcome, Result, counts, judge, table, unfounded
from scripts.parity.program_files import EXACT, Program, Tolerance

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = '{"value": 1.0}', '{"value": 2.0}'


@pytest.mark.parametrize(
    ("outside", "tolerance", "documented", "outcome"),
    [
        (ONE, EXACT, [], Outcome.EQUAL),
        (ONE, EXACT, ["g/a"], Outcome.EQUAL),
        (TWO, EXACT, [], Outcome.SILENT),
        (TWO, EXACT, ["g/a"], Outcome.DOCUMENTED),
        (TWO, Tolerance(relative=1.0), [], Outcome.WITHIN),
        (TWO, Tolerance(relative=1.0), ["g/a"], Outcome.WITHIN),
    ],
)
def test_a_program_is_judged(
    outside: str, tolerance: Tolerance, documented: list[str], outcome: Outcome
) -> None:
    program = Program("g/a", "g", "1.0", tolerance)
    assert judge(program, ONE, outside, documented).outcome is outcome


def test_what_is_documented_and_does_not_differ_is_named() -> None:
    results = [Result("g/a", Outcome.DOCUMENTED, "none"), Result("g/b", Outcome.WITHIN, "none")]
    assert unfounded(results, ["g/a", "g/b", "g/gone"]) == ["g/b", "g/gone"]


def test_what_is_measured_is_kept_and_read(tmp_path: Path) -> None:
    results = [
        Result("g/a", Outcome.EQUAL, "none"),
        Result("g/b", Outcome.DOCUMENTED, "2 ulp", "3 ulp", "1.0", "2.0"),
    ]
    path = tmp_path / "measured.json"
    measured.write(measured.measured({"python": "3.15"}, {"python": "3.13"}, results), path)
    found = measured.read(path)
    assert found.results == results[1:]
    assert found.counts == counts(results)
    assert table(found.counts)[-1] == ("all", "2", "1", "0", "1", "0")


def test_a_run_of_some_groups_takes_the_place_of_theirs(tmp_path: Path) -> None:
    def one(key: str, figure: str) -> Result:
        return Result(key, Outcome.WITHIN, "2 ulp", figure)

    old = [one("a/x", "1 ulp"), one("b/x", "1 ulp"), one("b/y", "1 ulp"), one("c/x", "1 ulp")]
    new = [one("b/y", "2 ulp"), one("b/z", "2 ulp")]
    found = measured.replaced(
        measured.measured({"numpy": "1"}, {"numpy": "1"}, old),
        measured.measured({"numpy": "2"}, {"numpy": "2"}, new),
    )
    assert [result.key for result in found.results] == ["a/x", "b/y", "b/z", "c/x"]
    assert [*found.counts] == ["a", "b", "c"]
    assert found.inside == {"numpy": "2"}
    path = tmp_path / "answers.json"
    stored_answers.write({"a/x": "1", "b/x": "2"}, ["a/x", "b/x"], path)
    stored_answers.refresh({"b/x": "3", "c/x": "4"}, path)
    assert stored_answers.read(path) == {"a/x": "1", "b/x": "3"}


def test_stored_answers_are_read_as_they_were(tmp_path: Path) -> None:
    answers = {"g/a": '{"value": 0.1}', "g/b": '{"error": "E: \\u00fc"}'}
    path = tmp_path / "answers.json"
    stored_answers.write(answers, ["g/b", "g/a"], path)
    assert stored_answers.read(path) == answers


def test_a_program_is_documented_once(tmp_path: Path) -> None:
    path = tmp_path / "differences.toml"
    one = '[[difference]]\ntitle = "T"\nwhy = "w"\nprograms = ["g/a"]\n'
    path.write_text(one)
    assert differences(path)[0].programs == ("g/a",)
    path.write_text(one * 2)
    with pytest.raises(ValueError, match="'g/a' is documented twice"):
        differences(path)
