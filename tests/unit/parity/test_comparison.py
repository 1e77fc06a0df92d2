"""How far two answers are apart."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from scripts.parity.comparison import Likeness, compare, ulps
from scripts.parity.program_files import EXACT, Tolerance


def array(values: list[Any], dtype: str = "float64") -> dict[str, Any]:
    return {"array": dtype, "shape": [len(values)], "values": values}


def likeness(ours: object, theirs: object, tolerance: Tolerance = EXACT) -> tuple[str, str]:
    inside, outside = (json.dumps({"value": value}) for value in (ours, theirs))
    found = compare(inside, outside, tolerance)
    return found.likeness.value, found.figure


NEXT = 1.0000000000000002


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance", "found"),
    [
        (1.0, 1.0, EXACT, ("equal", "")),
        (math.nan, math.nan, EXACT, ("equal", "")),
        (1.0, NEXT, EXACT, ("different", "1 ulp")),
        (1.0, NEXT, Tolerance(ulp=1), ("within tolerance", "1 ulp")),
        (1.0, NEXT, Tolerance(relative=1e-15), ("within tolerance", "2.2e-16 of the largest")),
        (0.0, 1e-17, Tolerance(ulp=4), ("different", "1.0e+00 of the largest")),
        (0.0, -0.0, EXACT, ("different", "the sign of a zero")),
        (0.0, -0.0, Tolerance(ulp=1), ("within tolerance", "the sign of a zero")),
        (1.0, math.inf, Tolerance(relative=1e-1), ("different", "another answer")),
        (math.nan, 1.0, Tolerance(relative=1e-1), ("different", "another answer")),
        (1, 1.0, Tolerance(relative=1e-1), ("different", "another answer")),
        (1, True, EXACT, ("different", "another answer")),
        ([1.0], [1.0, 2.0], EXACT, ("different", "another answer")),
        ("a", "b", EXACT, ("different", "another answer")),
    ],
)
def test_two_values(
    ours: object, theirs: object, tolerance: Tolerance, found: tuple[str, str]
) -> None:
    assert likeness(ours, theirs, tolerance) == found


def test_a_part_is_one_of_the_largest_number_of_its_array() -> None:
    ours, theirs = array([1e-20, 1.0]), array([0.0, 1.0])
    assert likeness(ours, theirs, Tolerance(relative=1e-12))[0] == "within tolerance"
    assert likeness(ours, theirs, Tolerance(ulp=4))[0] == "different"


def test_each_array_has_a_largest_number_of_its_own() -> None:
    ours, theirs = [array([1e-20]), array([1.0])], [array([2e-20]), array([1.0])]
    assert likeness(ours, theirs, Tolerance(relative=1e-12))[0] == "different"


def test_the_parts_of_complex_numbers_count_together() -> None:
    ours = array([{"complex": [1e-20, 1.0]}], "complex128")
    theirs = array([{"complex": [0.0, 1.0]}], "complex128")
    assert likeness(ours, theirs, Tolerance(relative=1e-12))[0] == "within tolerance"


def test_widths_are_told_from_values() -> None:
    figure = "equal values, in another width"
    assert likeness(array([1], "int32"), array([1], "int64"))[1] == figure
    assert likeness(array([2], "int32"), array([1], "int64"))[1] == "another answer"


@pytest.mark.parametrize(
    ("ours", "theirs", "figure"),
    [
        ({"error": "a"}, {"error": "b"}, "another error"),
        ({"error": "a"}, {"value": 1}, "an error inside"),
        ({"value": 1}, {"error": "a"}, "an error outside"),
    ],
)
def test_errors_are_answers(ours: object, theirs: object, figure: str) -> None:
    found = compare(json.dumps(ours), json.dumps(theirs), EXACT)
    assert found == (Likeness.DIFFERENT, figure)


def test_ulps_are_counted_across_zero() -> None:
    assert [ulps(0.0, 5e-324), ulps(-5e-324, 5e-324), ulps(0.0, -0.0), ulps(1.0, 2.0)] == [
        *(1, 2, 0),
        2**52,
    ]
