"""Values of literals as JSON, from the process that reads what is costly to parse."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# A whole number that is longer travels as hexadecimal: Python reads no more decimal digits.
_SHORT_BITS = 256


def pack(value: object) -> Any:
    """Return any value that a literal can have as one of JSON, which `unpack` takes back.

    >>> unpack(pack({"a": [(1, b"x"), 1 << 300, None]})) == {"a": [(1, b"x"), 1 << 300, None]}
    True
    """
    short = isinstance(value, int) and value.bit_length() <= _SHORT_BITS
    if value is None or short or isinstance(value, str):
        return value
    kind = type(value).__name__
    if isinstance(value, (list, tuple)):
        return {kind: [pack(item) for item in value]}
    if isinstance(value, dict):
        return {kind: [[pack(key), pack(item)] for key, item in value.items()]}
    return {kind: _SCALARS[kind][0](value)}


def unpack(value: Any) -> Any:
    """Return what was packed. Raises an `Exception` of Python's own for anything else."""
    if value is None or isinstance(value, (str, int)):
        return value
    [(kind, content)] = value.items()
    if kind == "dict":
        return {unpack(key): unpack(item) for key, item in content}
    if kind in {"list", "tuple"}:
        items = [unpack(item) for item in content]
        return items if kind == "list" else tuple(items)
    return _SCALARS[kind][1](content)


# How a value of each type is written, and read.
_SCALARS: dict[str, tuple[Callable[[Any], str], Callable[[str], object]]] = {
    "int": (hex, lambda text: int(text, 16)),
    "float": (repr, float),
    "complex": (repr, complex),
    "bytes": (bytes.hex, bytes.fromhex),
    "ellipsis": (lambda _: "", lambda _: ...),
}
