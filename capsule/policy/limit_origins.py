"""Which of those who may limit a task did: whoever runs into a limit is told what raises it."""

from __future__ import annotations

from typing import Literal

from capsule.namedtuples import NamedTuple

Who = Literal["task", "nobody", "defaults", "ceiling", "flag", "caller"]


class LimitOrigin(NamedTuple):
    """Who set a limit, and up to where raising it alone is of any use (`None`: everywhere).

    `who` is the task's own option, nobody (what capsule takes where all are silent), the defaults
    or the ceilings of capsule.toml, a flag of the command line, or a program's limits.
    """

    who: Who = "nobody"
    most: int | None = None

    def within(self, most: int | None) -> LimitOrigin:
        """Return the bound where raising the limit is of no use above `most` either."""
        known = [amount for amount in (self.most, most) if amount is not None]
        return self._replace(most=min(known, default=None))


class LimitOrigins(NamedTuple):
    """Where the limits of a policy come from."""

    compute: LimitOrigin = LimitOrigin()
    ram: LimitOrigin = LimitOrigin()
    timeout: LimitOrigin = LimitOrigin()


def tightest(
    asked: tuple[int | None, Who], *others: tuple[int | None, Who]
) -> tuple[int | None, LimitOrigin]:
    """Return the least of some amounts, and who set it: of equal ones, the last.

    >>> tightest((200, "task"), (None, "ceiling"), (50, "flag"))
    (50, LimitOrigin(who='flag', most=200))
    >>> tightest((50, "task"), (50, "flag"))
    (50, LimitOrigin(who='flag', most=50))
    """
    said = [(amount, who) for amount, who in (asked, *others) if amount is not None]
    if not said:
        return None, LimitOrigin()
    least, by = min(reversed(said), key=lambda one: one[0])
    return least, LimitOrigin(by, min((amount for amount, who in said if who != by), default=None))
