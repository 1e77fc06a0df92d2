"""The names of runs: short, in the order of time, and never the same twice."""

from __future__ import annotations

import os
import time

# The first digits count eighths of a second, until the year 2242; the others are random. All are
# hexadecimal: nothing else is made as quickly, and every call pays for it.
_TIME_DIGITS, _RANDOM_DIGITS = 9, 7
_STEP_NS = 125_000_000
LENGTH = _TIME_DIGITS + _RANDOM_DIGITS


def new_run() -> str:
    """Return the name of a run that begins now.

    >>> len(new_run()), new_run() > earliest(0)
    (16, True)
    """
    return f"{time.time_ns() // _STEP_NS:09x}{os.urandom(4).hex()[1:]}"


def earliest(time_ns: int) -> str:
    """Return what sorts ahead of all runs that begin at `time_ns`, since 1970, or later.

    >>> earliest(0), earliest(2_000_000_000)
    ('000000000', '000000010')
    """
    return f"{time_ns // _STEP_NS:0{_TIME_DIGITS}x}"


def of_attempt(run: str, count: int) -> str:
    """Return the name of one attempt of a run: the first is 1.

    >>> of_attempt("19a5d0c8e3f2b417", 2)
    '19a5d0c8e3f2b417.2'
    """
    return f"{run}.{count}"
