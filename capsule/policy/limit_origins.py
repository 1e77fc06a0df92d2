"""Which of those who may limit a task did: whoever runs into a limit is told what raises it."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Who = Literal["task", "nobody", "defaults", "ceiling", "flag", "caller", "untrusted"]
    Whose = Literal["task", "session"]


class LimitOrigin(NamedTuple):
    """Who set a limit, and up to where raising it alone is of any use (`None`: everywhere).

    `who` is the task's own option, nobody (what capsule takes where all are silent), the defaults
    or the ceilings of capsule.toml, a flag of the command line, a program's limits, or that the
    file is untrusted. `file` is the capsule.toml with the ceiling.
    """

    who: Who = "nobody"
    most: int | None = None
    file: str = ""

    def within(self, most: int | None) -> LimitOrigin:
        """Return the bound where raising the limit is of no use above `most` either."""
        known = [amount for amount in (self.most, most) if amount is not None]
        return self._replace(most=min(known, default=None))


class Denials(NamedTuple):
    """By whose word a task lacks what it asks for: empty where it lacks nothing of a kind.

    `names` are the variables that it asks for, and lacks.
    """

    files: str = ""
    hosts: str = ""
    variables: str = ""
    names: tuple[str, ...] = ()


class LimitOrigins(NamedTuple):
    """Where the limits of a policy come from.

    `run_file` is the capsule.toml that bounds the run with all its tasks, empty where none does.
    `whose` they are: what a task may do stands in its file, and a session was opened with it.
    """

    compute: LimitOrigin = LimitOrigin()
    ram: LimitOrigin = LimitOrigin()
    timeout: LimitOrigin = LimitOrigin()
    run_file: str = ""
    denials: Denials = Denials()
    whose: Whose = "task"


class Amount(NamedTuple):
    """An amount that somebody said; None is silence. `file` is the capsule.toml, if it was one."""

    value: int | None
    who: Who
    file: str = ""


def tightest(*said: Amount) -> tuple[int | None, LimitOrigin]:
    """Return the least of some amounts, and who set it: of equal ones, the last.

    >>> tightest(Amount(200, "task"), Amount(None, "ceiling"), Amount(50, "flag"))
    (50, LimitOrigin(who='flag', most=200, file=''))
    >>> tightest(Amount(50, "task"), Amount(50, "flag"))
    (50, LimitOrigin(who='flag', most=50, file=''))
    """
    known = [(amount.value, amount) for amount in said if amount.value is not None]
    if not known:
        return None, LimitOrigin()
    least, by = min(reversed(known), key=lambda one: one[0])
    most = min((value for value, other in known if other != by), default=None)
    return least, LimitOrigin(by.who, most, by.file)
