"""JSON by the C functions of Python's own `json`, without importing that package.

It compiles six regular expressions for a Python that lacks those functions, and for them imports
`re` and `enum`: a tenth of a short command. What these functions do not take, and each error, is
left to the package, which is used as well where it is imported already.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_c: Any
try:
    import _json as _c
except ImportError:  # another Python than CPython
    _c = None

_SPACE = " \t\n\r"
_CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}


class _Settings:
    """What the scanner asks of a decoder."""

    strict = True
    # The last is asked for since Python 3.15.
    object_hook = object_pairs_hook = array_hook = None
    parse_int = int

    def __init__(
        self, parse_constant: Callable[[str], Any], parse_float: Callable[[str], Any]
    ) -> None:
        self.parse_constant, self.parse_float = parse_constant, parse_float


def loads(
    data: str | bytes | bytearray,
    *,
    parse_constant: Callable[[str], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
) -> Any:
    """Return what `json.loads` does. Raises what that raises.

    >>> loads(b' {"a": [1, 2.5, "b", null]} ')
    {'a': [1, 2.5, 'b', None]}
    """
    if _c is not None and "json" not in sys.modules:
        settings = _Settings(parse_constant or _CONSTANTS.__getitem__, parse_float or float)
        try:
            text = data if isinstance(data, str) else str(data, "utf-8")
            text = text.strip(_SPACE)
            value, end = _c.make_scanner(settings)(text, 0)
            if end == len(text):
                return value
        except Exception:  # noqa: BLE001, S110 - found again below, and told
            pass
    import json

    return json.loads(data, parse_constant=parse_constant, parse_float=parse_float)


def dumps(  # noqa: PLR0913 - those of json.dumps
    value: Any,
    *,
    ensure_ascii: bool = True,
    allow_nan: bool = True,
    indent: int | None = None,
    sort_keys: bool = False,
    default: Callable[[Any], Any] | None = None,
) -> str:
    """Return what `json.dumps` does. Raises what that raises.

    >>> dumps({"a": (1, 2.5), "b": None})
    '{"a": [1, 2.5], "b": null}'
    """
    if _c is not None and indent is None and "json" not in sys.modules:
        text = _c.encode_basestring_ascii if ensure_ascii else _c.encode_basestring
        try:
            encode = _c.make_encoder(
                {}, default or _refuse, text, None, ": ", ", ", sort_keys, False, allow_nan
            )
            return "".join(encode(value, 0))
        except Exception:  # noqa: BLE001, S110 - as above
            pass
    import json

    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        allow_nan=allow_nan,
        indent=indent,
        sort_keys=sort_keys,
        default=default,
    )


def _refuse(value: Any) -> Any:
    raise TypeError(type(value))
