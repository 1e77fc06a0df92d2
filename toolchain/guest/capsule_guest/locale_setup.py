"""`setlocale` that refuses what is not there: the system takes every name, and changes nothing.

A program that asks for commas in numbers would else go on without them.
"""

from __future__ import annotations

import _locale
import locale
import os

# What the system has, by the names that programs use.
_PLAIN = frozenset(("C", "POSIX"))
_UTF8 = frozenset(("c.utf-8", "c.utf8"))
# By number: LC_CTYPE is 0, LC_ALL stands for all before it.
_NAMES = ("LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES")
_ALL = _locale.LC_ALL

_set = _locale.setlocale
# CPython itself begins with a text of UTF-8.
_current = ["C.UTF-8", *["C"] * (len(_NAMES) - 1)]


def setlocale(category: int, name: str | None = None, /) -> str:
    """Set the locale of a category, or say what it is; `locale.Error` for one that is not there."""
    if not 0 <= category <= _ALL:
        raise locale.Error("invalid locale category")
    numbers = range(_ALL) if category == _ALL else (category,)
    if name is not None:
        # All are checked before any is set.
        wanted = [_checked(_wanted(name, number)) for number in numbers]
        for number, one in zip(numbers, wanted, strict=True):
            _set(number, one)
            _current[number] = one
    found = [_current[number] for number in numbers]
    if len(set(found)) == 1:
        return found[0]
    return ";".join(f"{_NAMES[number]}={_current[number]}" for number in numbers)


def _wanted(text: str, number: int) -> str:
    """Say which name a category gets: by the environment, or by a list such as we give."""
    if not text:
        names = ("LC_ALL", _NAMES[number], "LANG")
        return next((os.environ[name] for name in names if os.environ.get(name)), "C")
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals and name == _NAMES[number]:
            return value
    return text


def _checked(name: str) -> str:
    if name in _PLAIN:
        return "C"
    if name.lower() in _UTF8:
        return name
    raise locale.Error("unsupported locale setting")


def install() -> None:
    """Put it in place of the system's."""
    _locale.setlocale = setlocale
    locale._setlocale = setlocale  # type: ignore[attr-defined]
