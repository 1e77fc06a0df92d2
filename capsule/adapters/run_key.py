"""What a checkpoint has of a session: which one, after how many states, and where that state is."""

from __future__ import annotations

import re

from capsule.namedtuples import NamedTuple
from capsule.sessions.state_file import StateError

# In place of a handle: nothing has run yet, the state could not be kept, and there are two of them.
NEW, LOST, SPLIT = "new", "lost", "split"
_TEXT = re.compile(r"([0-9a-f]+)-([0-9]+):([0-9a-f]*(?:-[0-9]+)?):([0-9a-z]+)\Z")


class RunKey(NamedTuple):
    """Where the session of a run stands: `base` is the place of the key that it was opened from."""

    session: str
    number: int
    base: str
    state: str

    def __str__(self) -> str:
        return f"{self.place}:{self.base}:{self.state}"

    @property
    def place(self) -> str:
        """Which state of which session it is."""
        return f"{self.session}-{self.number}"


def parsed(text: object) -> RunKey:
    """Return the key that a checkpoint has. Raises `StateError` where no state is behind it."""
    if not text:
        raise StateError("this run began without a session", hint="begin a new run")
    if (key := _read(str(text))) is None:
        raise StateError(
            f"a checkpoint of this run has {str(text)[:80]!r} for its session: that is no key",
            hint="begin a new run",
        )
    if key.state == SPLIT:
        raise StateError(
            "calls of one message have run in two sessions, as the run ended between them: neither"
            " has what both did",
            hint="begin a new run, or go on from an older checkpoint",
        )
    return key


def merged(before: str, update: str) -> str:
    """Return the key after one more call of a step: its calls may be parallel, in one session."""
    old, new = _read(before), _read(update)
    if new is not None and old is not None and old.session == new.session:
        is_later = old.state != SPLIT and new.number >= old.number
        return update if is_later else before
    if new is None or new.state == NEW:
        return update
    if old is not None and old.state != SPLIT and new.base == old.place:
        return update
    return str(new._replace(state=SPLIT))


def _read(text: str) -> RunKey | None:
    if (found := _TEXT.match(text)) is None:
        return None
    return RunKey(found[1], int(found[2]), found[3], found[4])
