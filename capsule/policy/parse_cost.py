"""What parsing a source may cost, told from its bytes before anything parses them."""

from __future__ import annotations

_WORDS = bytes(range(128, 256)) + b"_\"'\\" + bytes(c for c in range(128) if chr(c).isalnum())
_F_STRINGS = tuple(f + r + q for f in (b"f", b"F") for r in (b"", b"r", b"R") for q in (b"'", b'"'))

# A program of 500 lines: the interpreter's lock is held for 10 ms at most while it is parsed.
_CHEAP_SIZE = 64 << 10
_CHEAP_MARKS = 8_000
# What takes longer than an ordinary mark, and how many times (CPython 3.11 to 3.13).
_LAMBDA, _F_STRING, _BACKSLASH, _BRACE = 10, 25, 4, 10


def count_marks(data: bytes) -> int:
    """Return how many operators, brackets, line ends and separated words a text has, roughly.

    >>> count_marks(b"x = [1, 2]\\n")
    8
    """
    data = data.replace(b"\t", b" ")
    # A run of blanks counts once, or a half for each of them: indentation makes no nodes.
    return len(data.translate(None, delete=_WORDS)) - data.count(b"  ")


def is_cheap(source: bytes) -> bool:
    """Say whether parsing takes no longer than that of a small, ordinary program.

    >>> is_cheap(b"x = 1\\n" * 500), is_cheap(b"f'{x}'\\n" * 500)
    (True, False)
    """
    if len(source) > _CHEAP_SIZE:
        return False
    cost = count_marks(source) + _LAMBDA * source.count(b"lambda")
    # Each of them may be a warning, or a character of a name that has to be normalized.
    cost += _BACKSLASH * source.count(b"\\") + len(source.translate(None, bytes(range(128))))
    f_strings = sum(map(source.count, _F_STRINGS))
    if f_strings:
        cost += _F_STRING * f_strings + _BRACE * source.count(b"{")
    return cost <= _CHEAP_MARKS
