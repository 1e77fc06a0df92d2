"""docs/differences.md is what was measured, and all that differs is documented."""

from __future__ import annotations

from scripts import write_differences_page
from scripts.parity import measured, stored_answers
from scripts.parity.differences import differences
from scripts.parity.outcome import Outcome
from scripts.parity.program_files import groups

HINT = "nox -s parity -- --write"


def test_the_page_is_what_was_measured() -> None:
    assert write_differences_page.PAGE.read_text() == write_differences_page.page(), HINT


def test_all_programs_were_measured() -> None:
    found = {name: sum(row.values()) for name, row in measured.read().counts.items()}
    assert found == {group.name: len(group.programs) for group in groups()}, HINT


def test_nothing_differs_silently() -> None:
    assert sum(row[Outcome.SILENT] for row in measured.read().counts.values()) == 0


def test_what_is_documented_is_what_differs() -> None:
    documented = {key for one in differences() for key in one.programs}
    results = measured.read().results
    assert documented == {one.key for one in results if one.outcome is Outcome.DOCUMENTED}, HINT


def test_both_sides_had_the_same_packages() -> None:
    found = measured.read()
    inside = {name: version for name, version in found.inside.items() if name != "python"}
    outside = {name: version for name, version in found.outside.items() if name != "python"}
    assert inside == outside


def test_the_stored_answers_are_of_programs_that_are_there() -> None:
    keys = {program.key for group in groups() for program in group.programs}
    stored = stored_answers.read()
    assert len(stored) == stored_answers.NUMBER
    assert {*stored} <= keys, HINT
    assert len({key.partition("/")[0] for key in stored}) > len(groups()) / 2
