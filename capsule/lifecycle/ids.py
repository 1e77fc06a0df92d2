"""The names of runs: short, in the order of time, and never the same twice."""

from __future__ import annotations

import os
import time

# Without letters that look like digits, and in the order of ASCII.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_BITS = 5
_TIME_DIGITS, _RANDOM_DIGITS = 8, 6
LENGTH = _TIME_DIGITS + _RANDOM_DIGITS
# The first digits count in steps of 1/32 s, for a thousand years.
_STEPS_PER_SECOND = 32


def new_run() -> str:
    """Return the name of a run that begins now.

    >>> len(new_run()), new_run() > earliest(0)
    (14, True)
    """
    bits = _RANDOM_DIGITS * _BITS
    chance = int.from_bytes(os.urandom(4), "big") >> (32 - bits)
    return earliest(time.time_ns()) + _text(chance, _RANDOM_DIGITS)


def earliest(time_ns: int) -> str:
    """Return what sorts ahead of all runs that begin at `time_ns`, since 1970, or later.

    >>> earliest(0), earliest(1_000_000_000)
    ('00000000', '00000010')
    """
    return _text(time_ns * _STEPS_PER_SECOND // 1_000_000_000, _TIME_DIGITS)


def of_attempt(run: str, count: int) -> str:
    """Return the name of one attempt of a run: the first is 1.

    >>> of_attempt("3e2k5r0dq8m1ta", 2)
    '3e2k5r0dq8m1ta.2'
    """
    return f"{run}.{count}"


def _text(number: int, digits: int) -> str:
    places = range((digits - 1) * _BITS, -1, -_BITS)
    return "".join(_DIGITS[number >> place & 31] for place in places)
