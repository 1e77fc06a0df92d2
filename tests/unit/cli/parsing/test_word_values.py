"""Words of the command line as values, or a refusal that says what is allowed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.cli.parsing.word_values import values_of
from capsule.errors import UsageError
from capsule.policy.declaration_types import TYPES, Parameter


def value(word: str, *types: str) -> Any:
    [found] = values_of([word], [Parameter("x", types)])
    return found


@pytest.mark.parametrize(
    ("word", "types", "expected"),
    [
        ("3", ["int"], 3),
        ("-3", ["int"], -3),
        ("1_000", ["int"], 1000),
        ("9" * 100, ["int"], int("9" * 100)),
        ("1.5", ["float"], 1.5),
        ("3", ["float"], 3.0),
        ("-1e-3", ["float"], -0.001),
        ("true", ["bool"], True),
        ("Yes", ["bool"], True),
        ("1", ["bool"], True),
        ("false", ["bool"], False),
        ("NO", ["bool"], False),
        ("0", ["bool"], False),
        ("[1, null]", ["list"], [1, None]),
        ('{"a": [1.5]}', ["dict"], {"a": [1.5]}),
        ("null", ["int", "None"], None),
        ("null", ["str", "None"], None),
        ("null", ["str"], "null"),
        ("null", [], "null"),
        ("3", [], "3"),
        ("3", ["str"], "3"),
        ("3", ["int", "str"], 3),
        ("three", ["int", "str"], "three"),
        ("3", ["int", "float"], 3),
        ("3.5", ["int", "float"], 3.5),
        ("[1]", ["list", "dict"], [1]),
        ("{}", ["list", "dict"], {}),
        ("true", ["int", "bool"], True),
        ("", ["str"], ""),
    ],
)
def test_what_words_mean(word: str, types: list[str], expected: object) -> None:
    found = value(word, *types)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("word", "types"),
    [
        ("x", ["int"]),
        ("", ["int"]),
        ("1.0", ["int"]),
        ("1e3", ["int"]),
        (" 3", ["int"]),
        ("3\n", ["int"]),
        ("\u0663", ["int"]),
        ("9" * 5_000, ["int"]),
        ("nan", ["float"]),
        ("inf", ["float"]),
        ("1e999", ["float"]),
        ("1,5", ["float"]),
        ("on", ["bool"]),
        ("2", ["bool"]),
        ("", ["bool"]),
        ("[1", ["list"]),
        ("{}", ["list"]),
        ("[NaN]", ["list"]),
        ("[" * 100_000, ["list"]),
        ("[]", ["dict"]),
        ("null", ["int"]),
        ("None", ["int", "None"]),
        ("3", ["None"]),
    ],
)
def test_what_is_no_value_is_refused(word: str, types: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^argument x: .* is not an? .*; allowed: "):
        value(word, *types)


def test_a_refusal_names_the_parameter_and_all_that_is_allowed() -> None:
    with pytest.raises(UsageError) as caught:
        values_of(["1", "x"], [Parameter("a", ("int",)), Parameter("n", ("int", "None"))])
    assert caught.value.message == (
        "argument n: 'x' is not an int | None; allowed: a whole number, like 3 or null"
    )


def test_words_go_to_parameters_in_order() -> None:
    parameters = [Parameter("a"), Parameter("b", ("int",)), Parameter("c", ("float",), many=True)]
    assert values_of(["1", "2", "3", "4"], parameters) == ["1", 2, 3.0, 4.0]
    # One too many is the task's to refuse.
    assert values_of(["1", "2"], [Parameter("a", ("int",))]) == [1, "2"]
    assert values_of(["1"], []) == ["1"]


@given(st.text(max_size=20), st.lists(st.sampled_from(TYPES), max_size=4, unique=True))
def test_any_word_is_a_value_or_refused(word: str, types: list[str]) -> None:
    try:
        found = value(word, *types)
    except UsageError:
        assert types
        assert "str" not in types
        return
    kinds = {"None": type(None), "int": int, "float": float, "bool": bool, "str": str}
    allowed = [{**kinds, "list": list, "dict": dict}[name] for name in types] or [str]
    assert type(found) in allowed
    assert not isinstance(found, float) or math.isfinite(found)
