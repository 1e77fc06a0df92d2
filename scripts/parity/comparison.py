"""Two answers, and how far they are apart."""

from __future__ import annotations

import json
import math
import struct
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.parity.program_files import Tolerance

_WIDTHS = {"int64": "int32", "uint64": "uint32"}
# More of them are no count that says anything.
_MOST_ULPS = 1000


class Likeness(Enum):
    """What a comparison finds."""

    EQUAL = "equal"
    WITHIN = "within tolerance"
    DIFFERENT = "different"


class Comparison(NamedTuple):
    """How alike two answers are, and by how much they differ, in words."""

    likeness: Likeness
    figure: str = ""


class _Apart(NamedTuple):
    """The largest distances between the numbers of two answers of one shape."""

    ulp: int
    relative: float


def compare(inside: str, outside: str, tolerance: Tolerance) -> Comparison:
    """Compare two answers, as the execution gives them.

    >>> from scripts.parity.program_files import EXACT, Tolerance
    >>> compare('{"value": 1.0}', '{"value": 1.0000000000000002}', Tolerance(ulp=2))
    Comparison(likeness=<Likeness.WITHIN: 'within tolerance'>, figure='1 ulp')
    >>> compare('{"value": 1}', '{"value": 2}', EXACT).likeness.value
    'different'
    """
    if inside == outside:
        return Comparison(Likeness.EQUAL)
    ours, theirs = json.loads(inside), json.loads(outside)
    apart = _apart(ours, theirs)
    if apart is None:
        return Comparison(Likeness.DIFFERENT, _words(ours, theirs))
    by_part = apart.relative <= tolerance.relative if tolerance.relative else False
    by_ulp = apart.ulp <= tolerance.ulp if tolerance.ulp else False
    likeness = Likeness.WITHIN if by_part or by_ulp else Likeness.DIFFERENT
    return Comparison(likeness, _figure(apart, tolerance))


def _figure(apart: _Apart, tolerance: Tolerance) -> str:
    if not apart.ulp:
        return "the sign of a zero"
    if apart.ulp <= _MOST_ULPS and not tolerance.relative:
        return f"{apart.ulp} ulp"
    return f"{apart.relative:.1e} of the largest"


def _apart(ours: Any, theirs: Any) -> _Apart | None:
    """Measure what differs in floating-point numbers alone; None where something else does."""
    lists = list(_number_lists(ours, theirs))
    if any(one is None for one in lists):
        return None
    worst = _Apart(0, 0.0)
    for found in lists:
        if not found:
            continue
        pairs = [(a, b) for a, b in found if a != b and not (math.isnan(a) and math.isnan(b))]
        if any(not math.isfinite(value) for pair in pairs for value in pair):
            return None
        largest = max((abs(b) for _, b in found if math.isfinite(b)), default=0.0)
        for a, b in pairs:
            relative = abs(a - b) / largest if largest else math.inf
            worst = _Apart(max(worst.ulp, ulps(a, b)), max(worst.relative, relative))
    return worst


def _number_lists(ours: Any, theirs: Any) -> Iterator[list[tuple[float, float]] | None]:
    """Yield the pairs of floats of each list of them, and None where anything else differs."""
    if isinstance(ours, float) and isinstance(theirs, float):
        yield [(ours, theirs)]
    elif type(ours) is not type(theirs):
        yield None
    elif isinstance(ours, dict):
        if [*ours] != [*theirs]:
            yield None
            return
        for name in ours:
            yield from _number_lists(ours[name], theirs[name])
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            yield None
        elif all(isinstance(one, float) for one in [*ours, *theirs]):
            yield [*zip(ours, theirs, strict=True)]
        elif _are_complex(ours) and _are_complex(theirs):
            parts = [[part for one in both for part in one["complex"]] for both in (ours, theirs)]
            yield [*zip(*parts, strict=True)]
        else:
            for one, other in zip(ours, theirs, strict=True):
                yield from _number_lists(one, other)
    elif ours != theirs:
        yield None


def _are_complex(values: list[Any]) -> bool:
    return all(isinstance(one, dict) and [*one] == ["complex"] for one in values)


def ulps(one: float, other: float) -> int:
    """Count the doubles from one to the other.

    >>> ulps(1.0, 1.0000000000000002), ulps(-5e-324, 5e-324)
    (1, 2)
    """
    return abs(_place(one) - _place(other))


def _place(value: float) -> int:
    bits = int.from_bytes(struct.pack(">d", value), signed=True)
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)


def _words(ours: Any, theirs: Any) -> str:
    if "error" in ours and "error" in theirs:
        return "another error"
    if "error" in ours:
        return "an error inside"
    if "error" in theirs:
        return "an error outside"
    if json.dumps(narrowed(theirs)) == json.dumps(narrowed(ours)):
        return "equal values, in another width"
    return "another answer"


def narrowed(tree: Any) -> Any:
    """Take the widths of integers out of an answer.

    >>> narrowed({"array": "int64", "shape": [1], "values": [7]})
    {'array': 'int32', 'shape': [1], 'values': [7]}
    """
    if isinstance(tree, dict):
        return {_WIDTHS.get(name, name): narrowed(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [narrowed(one) for one in tree]
    return _WIDTHS.get(tree, tree) if isinstance(tree, str) else tree
