"""`strftime` with the directives that programs write outside.

For one that it does not know, the system's own gives nothing at all, not even the rest of the text.
"""

from __future__ import annotations

import re
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# A directive: flags, a width, and its letter, which may have E or O before it.
_DIRECTIVE = re.compile(r"%([-_0^#]*)(\d*)([EO]?)(.?)", re.DOTALL)
_KNOWN = frozenset("aAbBcCdDeFgGhHIjmMnprRsStTuUVwWxXyYz%")
# What # turns to small letters; all else it turns to capitals.
_SMALL = frozenset("pZ")

_format = time.strftime


def expand(format: str, fields: Any) -> str:  # noqa: A002 - the name that programs use
    """Write fields of a time as `format` says, with the directives that glibc has."""
    # What is no text, or no time, is the system's to refuse.
    _format("", fields)

    def text(found: re.Match[str]) -> str:
        flags, width, modifier, letter = found.groups()
        own = _OWN.get(letter)
        if own is None and letter not in _KNOWN:
            return found[0].replace("%", "%%")
        if own is None and not {*flags} & {"^", "#"}:
            return found[0]
        plain = flags.translate({ord("^"): None, ord("#"): None})
        said = own(fields, plain) if own else _format(f"%{plain}{width}{modifier}{letter}", fields)
        if "#" in flags:
            said = said.lower() if letter in _SMALL else _named(said, letter)
        elif "^" in flags:
            said = said.upper()
        return said.replace("%", "%%")

    known = _DIRECTIVE.sub(text, format) if isinstance(format, str) else format
    return _format(known, fields)


def _named(said: str, letter: str) -> str:
    return said.upper() if letter in "aAbBh" else said


def _hour(twelve: bool) -> Callable[[Any, str], str]:
    def text(fields: Any, flags: str) -> str:
        hour = fields[3]
        number = (hour % 12 or 12) if twelve else hour
        if "-" in flags:
            return f"{number}"
        return f"{number:02}" if "0" in flags else f"{number:2}"

    return text


def _zone(fields: Any, _flags: str) -> str:
    name = getattr(fields, "tm_zone", None)
    if name:
        return str(name)
    return time.tzname[1 if fields[8] > 0 else 0]


_OWN: dict[str, Callable[[Any, str], str]] = {
    "k": _hour(twelve=False),
    "l": _hour(twelve=True),
    "P": lambda fields, _: "am" if fields[3] < 12 else "pm",
    "Z": _zone,
}
