"""Names of environment variables."""

from __future__ import annotations

import pytest

from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.variables import parse_variable


@pytest.mark.parametrize("name", ["API_KEY", "a", "lower.case", "ProgramFiles(x86)", "\u00dcBER"])
def test_names(name: str) -> None:
    assert parse_variable(name) == name


@pytest.mark.parametrize(
    "value", ["", "A=B", "=", "A\0", "A\n", " A", "A ", "\ud800", "x" * 257, None, 1, b"A", ["A"]]
)
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match='like "API_KEY"'):
        parse_variable(value)
