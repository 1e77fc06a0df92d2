"""Answers: every kind of value has a form of its own, to the last bit."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction

import pytest

from scripts.parity.execution import answers, encode

Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "tree"),
    [
        (1, 1),
        (True, True),
        (1.0, 1.0),
        ("a", "a"),
        (None, None),
        ((1,), {"tuple": [1]}),
        (Pair(1, 2), {"tuple": [1, 2]}),
        ([(1,)], [{"tuple": [1]}]),
        ({1: "a"}, {"dict": [[1, "a"]]}),
        ({2, 1}, {"set": [1, 2]}),
        (1j, {"complex": [0.0, 1.0]}),
        (b"\xff", {"bytes": "ff"}),
        (Decimal("1.0"), {"Decimal": "1.0"}),
        (Fraction(1, 2), {"Fraction": "1/2"}),
        (dt.date(2020, 1, 2), {"date": "2020-01-02"}),
        (dt.timedelta(1), {"timedelta": "1 day, 0:00:00"}),
        (range(3), {"range": "range(0, 3)"}),
    ],
)
def test_a_value_has_its_form(value: object, tree: object) -> None:
    assert encode(value) == tree
    assert type(encode(value)) is type(tree)


@pytest.mark.parametrize("value", [0.1, -0.0, 5e-324, math.inf])
def test_a_float_keeps_its_bits(value: float) -> None:
    found = json.loads(json.dumps(encode(value)))
    assert float(found).hex() == value.hex()


def answer(source: str, head: str = "") -> dict[str, object]:
    found: dict[str, object] = json.loads(answers({"h": head}, [("k", "h", source)])["k"])
    return found


def test_a_program_answers_with_its_last_expression() -> None:
    assert answer("a = 2\na + b", "b = 3") == {"value": 5}
    assert answer("a = 2") == {"value": None}
    assert answer("") == {"value": None}


def test_what_it_prints_is_part_of_the_answer() -> None:
    assert answer("print('x')\n1") == {"value": 1, "printed": "x\n"}


def test_what_it_raises_is_its_answer() -> None:
    assert answer("int('x')")["error"] == "ValueError: invalid literal for int() with base 10: 'x'"
    assert answer("raise SystemExit(3)") == {"error": "SystemExit: 3"}
    assert answer("a b")["error"] != ""


def test_a_head_that_fails_fails_each_of_its_programs() -> None:
    found = answers({"h": "a = 1\n1 / 0"}, [("k", "h", "a"), ("l", "h", "a")])
    assert [json.loads(text) for text in found.values()] == [
        {"error": "ZeroDivisionError: division by zero"}
    ] * 2


def test_names_of_a_program_are_its_own() -> None:
    found = answers({"h": "a = 1"}, [("k", "h", "a = 2\na"), ("l", "h", "a")])
    assert [json.loads(text)["value"] for text in found.values()] == [2, 1]


def test_an_answer_that_nobody_could_read_is_an_error() -> None:
    assert answer("'a' * 100_000") == {"error": "answer of 100013"}
