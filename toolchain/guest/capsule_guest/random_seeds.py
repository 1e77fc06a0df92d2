"""Seeding `random` with a float: from its hash of 64 bits, as outside; here hashes have 32."""

from __future__ import annotations

import math
import random

# Of `sys.hash_info` where a hash has 64 bits: the modulus of numbers, and what infinity has.
_MODULUS, _INFINITY = (1 << 61) - 1, 314159

_seed = random.Random.seed


def seed(self: random.Random, a: object = None, version: int = 2) -> None:
    """Start the generator from a number, a text, bytes, or from the system where that is None."""
    if type(a) is float and not math.isnan(a):
        a = wide_hash(a)
    _seed(self, a, version)  # type: ignore[arg-type]


def wide_hash(number: float) -> int:
    """Return the hash of a float as a number without a sign of 64 bits.

    >>> wide_hash(1.5)
    1152921504606846977
    """
    if math.isinf(number):
        found = _INFINITY
    else:
        top, bottom = abs(number).as_integer_ratio()
        found = top * pow(bottom, -1, _MODULUS) % _MODULUS
    if number < 0:
        found = -2 if found == 1 else -found
    return found % (1 << 64)


def install() -> None:
    """Put it in place."""
    seed.__doc__ = _seed.__doc__
    random.Random.seed = seed  # type: ignore[method-assign, assignment]
    random.seed = random._inst.seed  # type: ignore[attr-defined]


install()
