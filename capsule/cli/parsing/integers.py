"""Whole numbers on the command line."""

from __future__ import annotations

from capsule.errors import UsageError
from capsule.message_text import shown

_LONGEST = 9  # digits


def whole_number(option: str, text: str, least: int) -> int:
    """Return the value of an option. Raises `UsageError` when it is no number or below `least`.

    >>> whole_number("--limit", "20", 1)
    20
    """
    if text.isascii() and text.isdecimal() and len(text) <= _LONGEST and int(text) >= least:
        return int(text)
    raise UsageError(
        f"{option} {shown(text)}: a whole number is needed, {least} or more",
        hint=f"{option} {max(least, 20)}",
    )
