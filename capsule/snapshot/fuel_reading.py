"""What the fuel meter's last position tells: how much of its budget a run had spent.

Apart from `capsule.snapshot.fuel_meter`, which makes the meter: each run reads, and few make one.
"""

from __future__ import annotations

from functools import lru_cache

from capsule.namedtuples import NamedTuple

# A turn of a burning loop is mostly dead constants: they cost fuel and compile to nothing, so a
# large block burns fast (5e10 units in 1 ms) and a small one reads finely. Without the one between
# them, a million small turns would be half of the time that a short run takes.
LARGE = 1_000_000
MEDIUM = 16_384
SMALL = 256
SHARE_BITS = 8
# Enough steps to come from the largest budget, 10^14, down to one small turn a step.
STEPS = 6144
STEP_LENGTH = 2
# What a step takes besides the blocks that it burns; a test holds them to the meter's code.
SMALL_OVERHEAD, MEDIUM_OVERHEAD, LARGE_OVERHEAD = 37, 35, 31


class Reading(NamedTuple):
    """The least and the most that was spent; below zero when less than the overhead was."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        """The best single figure, and never below zero."""
        return max(0, (self.low + self.high) // 2)


def read(budget: int, offset: int) -> Reading:
    """Return what was spent of `budget` before the meter was entered.

    `offset` is where the meter stopped, in bytes from its first step.

    >>> low, high = read(2_000_000_000, 0)
    >>> low <= 2_000_000_000 <= high
    True
    """
    looks = last_looks(budget)
    step = offset // STEP_LENGTH
    # The run got past the last look at the fuel of the step before, and not past this step's.
    return Reading(budget - looks[step], budget - (looks[step - 1] if step else 0))


@lru_cache(maxsize=16)
def last_looks(budget: int) -> list[int]:
    """Return for each step what the meter has burned when the step looks for the last time."""
    looks: list[int] = []
    left, burned = budget, 0
    # Each run does this once: names that are looked up outside would be half of its time.
    note, bits = looks.append, SHARE_BITS
    large, medium, small = LARGE, MEDIUM, SMALL
    over_large, over_medium, over_small = LARGE_OVERHEAD, MEDIUM_OVERHEAD, SMALL + SMALL_OVERHEAD
    for _ in range(STEPS):
        share = left >> bits
        if share < medium:
            cost = share - share % small + over_small
        elif share < large:
            cost = share - share % medium + over_medium
        else:
            cost = share - share % large + over_large
        burned += cost
        note(burned)
        left = left - cost if cost < left else 0
    return looks
