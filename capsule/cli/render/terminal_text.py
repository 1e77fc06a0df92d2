"""Texts that a task may have chosen, made to fit where they are shown and to do nothing else."""

from __future__ import annotations

import unicodedata

from capsule.cli.render.harmless_text import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDE = ("W", "F")
_CUT = "…"
_TAB = 4


def one_line(text: str) -> str:
    r"""Return a text without anything that moves the cursor, hides or turns what is around it.

    >>> one_line("a\x1b[2J\nb\u202ec")
    'a?[2J?b?c'
    """
    if text.isascii() and text.isprintable():
        return text
    # Where columns are counted, what has no width has no place either.
    return "".join(char if char.isprintable() else "?" for char in harmless(text, keep=""))


def cleaned(text: str) -> str:
    r"""Return a text of several lines without anything else that moves, hides or turns.

    >>> cleaned("a\r\n\tb\x1b[2J\n")
    'a\n    b?[2J\n'
    """
    return "\n".join(
        one_line(line.removesuffix("\r").expandtabs(_TAB)) for line in text.split("\n")
    )


def cells(text: str) -> int:
    """Return how many columns a text takes on a terminal.

    >>> cells("abc"), cells("日本")
    (3, 4)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def fit(text: str, width: int) -> str:
    """Return a text that is exactly so wide, cut or filled up with spaces.

    >>> fit("abc", 5), fit("abcdef", 4), fit("日本語", 4)
    ('abc  ', 'abc…', '日… ')
    """
    cut = clip(text, width)
    return cut + " " * (width - cells(cut))


def clip(text: str, width: int) -> str:
    """Return a text that is at most so wide.

    >>> clip("abcdef", 4), clip("abc", 4), clip("abc", 0)
    ('abc…', 'abc', '')
    """
    if cells(text) <= width:
        return text
    kept, room = [], width - 1
    for char in text:
        room -= _cells(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + _CUT * (width > 0)


def wrapped(text: str, width: int, *, words: bool = False) -> Iterator[str]:
    r"""Yield the lines of a text, the long ones in pieces that are at most so wide.

    With `words`, a piece ends behind a space where it has one.

    >>> list(wrapped("abc\n\ndefghi\n", 4))
    ['abc', '', 'defg', 'hi']
    >>> list(wrapped("to be or", 7, words=True))
    ['to be ', 'or']
    """
    for line in text.removesuffix("\n").split("\n"):
        rest = one_line(line.removesuffix("\r").expandtabs(_TAB))
        piece, room = 0, width
        for place, char in enumerate(rest):
            if (room := room - _cells(char)) < 0:
                begin = (rest.rfind(" ", piece, place) + 1 if words else 0) or place
                yield rest[piece:begin]
                piece, room = begin, width - cells(rest[begin : place + 1])
        yield rest[piece:]


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in _WIDE else 1
