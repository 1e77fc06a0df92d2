"""What code hands over is looked at before the framework's decoder makes anything of it."""

from __future__ import annotations

import base64
import struct

import pytest

from capsule.adapters import crossed_values

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 10, 10) + bytes(9)
LARGE = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 90_000, 90_000) + bytes(9)


def image(data: bytes) -> dict[str, str]:
    return {"__type__": "PIL.Image", "data": base64.b64encode(data).decode()}


GOOD = [1, "text", {"n": [1, 2]}, {"__type__": "tuple", "data": [1]}, image(PNG)]
GOOD += [
    {"__type__": "ndarray", "data": [1], "dtype": dtype} for dtype in ("int64", "float32", "bool")
]


@pytest.mark.parametrize("value", GOOD, ids=str)
def test_what_may_cross(value: object) -> None:
    crossed_values.check([value, {"deep": [value]}])


BAD = [
    image(LARGE),
    image(b"GIF89a"),
    {"__type__": "PIL.Image"},
    {"__type__": "PIL.Image", "data": 5},
]
BAD += [
    {"__type__": "ndarray", "data": ["a"], "dtype": dtype}
    for dtype in ("S500000000", "U9", "V9", "O", "object", "int64,(9,9)i8", None, ["i8"], "(99,)f8")
]


@pytest.mark.parametrize("value", BAD, ids=str)
def test_what_may_not(value: object) -> None:
    for around in ([value], {"a": [1, {"b": value}]}, {"__type__": "set", "data": [value]}):
        with pytest.raises(ValueError, match="handed over"):
            crossed_values.check(around)
