"""A part of the parity suite: programs inside, against the answers of CPython outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.parity import sides, stored_answers
from scripts.parity.outcome import Outcome, judge
from scripts.parity.program_files import groups

if TYPE_CHECKING:
    from tests.integration.workbench import Workbench

# The first that needs the science interpreter compiles it for minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


def test_sixty_programs_answer_as_outside(bench: Workbench) -> None:
    stored = stored_answers.read()
    part = stored_answers.part(groups(), [*stored])

    def run(source: str, request: dict[str, object]) -> object:
        envelope = bench.run(source, request)
        if envelope["error"] is not None:
            raise sides.SandboxError(envelope["error"]["message"])
        return envelope["result"]

    found = sides.inside(part, run).answers
    programs = [program for group in part for program in group.programs]
    results = [judge(one, found[one.key], stored[one.key], []) for one in programs]
    assert len(results) == stored_answers.NUMBER
    assert [one for one in results if one.outcome not in (Outcome.EQUAL, Outcome.WITHIN)] == []
