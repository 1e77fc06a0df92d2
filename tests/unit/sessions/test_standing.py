"""Where a session stands while states are written, and where that fails."""

from __future__ import annotations

import pytest

from capsule.errors import CapsuleError
from capsule.sessions.kept_turn import KeptState
from capsule.sessions.standing import Standing, said_of, standing_at
from capsule.sessions.state_file import StateError

FIRST, SECOND, THIRD = (KeptState(letter * 32, number) for number, letter in enumerate("abc"))


def test_the_next_turn_goes_on_before_the_state_is_on_the_disk() -> None:
    standing = Standing(standing_at(FIRST))
    standing.ready.set_result(SECOND)
    assert standing.soonest() == SECOND
    assert "in memory" in repr(standing)
    standing.written.set_result(SECOND)
    assert standing.soonest() == standing.settled() == SECOND
    assert "kept" in repr(standing)


def test_where_memory_cannot_be_read_it_stands_at_the_state_before() -> None:
    standing = Standing(standing_at(FIRST))
    standing.fail(StateError("too large"))
    assert standing.soonest() == standing.settled() == FIRST


def test_where_the_disk_is_full_it_stands_at_the_last_that_is_kept() -> None:
    second = Standing(standing_at(FIRST))
    second.ready.set_result(SECOND)
    third = Standing(second)
    third.ready.set_result(THIRD)
    second.fail(StateError("no room"))
    third.fail(StateError("no room"))
    assert third.soonest() == third.settled() == FIRST


def test_what_was_built_on_a_state_that_is_not_kept_is_not_kept_either() -> None:
    second = Standing(standing_at(FIRST))
    second.ready.set_result(SECOND)
    second.fail(StateError("no room"))
    with pytest.raises(StateError, match=r"the turn before could not be kept: .*no room"):
        second.check(SECOND.name)
    # Who went on from the one before it had nothing of it.
    second.check(FIRST.name)
    standing_at(FIRST).check(FIRST.name)


def test_what_is_kept_does_not_hold_what_was_before() -> None:
    standing = Standing(standing_at(FIRST))
    assert standing._before is not None
    standing.ready.set_result(SECOND)
    standing.written.set_result(SECOND)
    assert standing._before is None


@pytest.mark.parametrize("failed", [OSError(28, "no room"), StateError("too large")])
def test_what_is_raised_is_an_error_of_ours(failed: Exception) -> None:
    said = said_of(failed)
    assert isinstance(said, CapsuleError)
    assert "no room" in said.message or "too large" in said.message
