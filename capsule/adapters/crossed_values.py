"""What code in a sandbox hands to the framework's own decoder, looked at before that does it.

That decoder was written for executors which a program trusts: an array may have any type, whose
items may have any size, and an image any format.
"""

from __future__ import annotations

import base64
import binascii
import re

from capsule.adapters.observation import is_small_png

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KIND = "__type__"
_NUMBERS = re.compile(r"bool|u?int(?:8|16|32|64)|float(?:16|32|64)|complex(?:64|128)")


def check(value: Any) -> None:
    """Raise `ValueError` for a value that would cost the host more than it has itself.

    >>> check({"__type__": "ndarray", "data": [1, 2], "dtype": "int64"})
    >>> check({"__type__": "ndarray", "data": ["a"], "dtype": "S500000000"})
    Traceback (most recent call last):
    ValueError: an array of type 'S500000000' cannot be handed over: numbers alone can
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            _check_kind(one)
            waiting += [*one.values(), *one.keys()]
        elif isinstance(one, list):
            waiting += one


def _check_kind(said: dict[str, Any]) -> None:
    kind = said.get(_KIND)
    if kind == "ndarray" and not _NUMBERS.fullmatch(str(said.get("dtype"))):
        raise ValueError(
            f"an array of type {str(said.get('dtype'))[:40]!r} cannot be handed over: numbers"
            " alone can"
        )
    if kind == "PIL.Image":
        try:
            data = base64.b64decode(said.get("data") or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            data = b""
        if not is_small_png(data):
            raise ValueError("an image that is handed over is a PNG, of a bounded size")
