"""The code that led to a state, for whoever checks what comes next; bounded in turns and length."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_MOST_TURNS, _MOST_TEXT = 200, 200_000


class PastTurn(NamedTuple):
    """The code of a turn whose state was kept, and whether it raised."""

    code: str
    raised: bool


class CodeHistory(NamedTuple):
    """The last turns before a state; `whole` says whether they are all that led to it."""

    turns: tuple[PastTurn, ...] = ()
    whole: bool = True

    def grown(self, code: str, *, raised: bool) -> Self:
        """Return it with one turn more, and without the first where it is too much.

        >>> CodeHistory().grown("x = 1", raised=False).grown("y", raised=True).whole
        True
        >>> CodeHistory().grown("#" * 300_000, raised=False)
        CodeHistory(turns=(), whole=False)
        """
        turns = (*self.turns, PastTurn(code, raised))[-_MOST_TURNS:]
        whole = self.whole and len(turns) > len(self.turns)
        size = sum(len(turn.code) for turn in turns)
        while turns and size > _MOST_TEXT:
            size -= len(turns[0].code)
            turns, whole = turns[1:], False
        return self._replace(turns=turns, whole=whole)


# Of a state whose past nobody here has seen: from a file, or of another program.
UNKNOWN_HISTORY = CodeHistory(whole=False)
