"""The error for a wrong value."""

from __future__ import annotations

from capsule.policy.invalid_value import InvalidValueError


def test_the_error_says_value_problem_and_what_is_allowed() -> None:
    error = InvalidValueError("'x'", "is not it", "that", hint="this")
    assert str(error) == "'x' is not it; allowed: that\n  try: this"
    assert error.exit_code == 2
