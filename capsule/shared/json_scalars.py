"""NumPy's and pandas' scalars as JSON: the number, text or time that each of them is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _float(value: Any) -> float:
    number = float(value)
    if number != value and value == value:  # noqa: PLR0124 - NaN is not itself
        raise TypeError("it has more digits than a number of JSON")
    return number


def _text(value: Any) -> str:
    if (text := str(value)) == "NaT":
        raise TypeError("it is no time")
    return text


def _iso(value: Any) -> str:
    text: str = value.isoformat()
    return text


# By the package and the name of a class: neither is imported for this. The first along the order
# of the base classes counts, as timedelta64 is an integer too.
_FORMS: dict[tuple[str, str], Callable[[Any], bool | int | float | str]] = {
    ("numpy", "bool"): bool,
    ("numpy", "bool_"): bool,
    ("numpy", "integer"): int,
    ("numpy", "floating"): _float,
    ("numpy", "datetime64"): _text,
    ("numpy", "timedelta64"): _text,
    ("pandas", "Timestamp"): _iso,
    ("pandas", "Timedelta"): _iso,
    ("pandas", "Period"): _text,
}


def scalar(value: object) -> bool | int | float | str:
    """Return what a scalar is in JSON; `json.JSONEncoder` takes this as its `default`.

    Times are text in ISO 8601, as `isoformat` and `str` give it. Raises `TypeError` for all else,
    NaT included.
    """
    for kind in type(value).__mro__:
        if (form := _FORMS.get((kind.__module__.partition(".")[0], kind.__name__))) is not None:
            return form(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")
