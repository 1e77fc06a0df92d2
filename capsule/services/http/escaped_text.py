"""A text with its escapes undone, and where each of its bytes was: URLs, JSON, HTML, Python.

Each program that writes escapes escapes other characters: which of them is never known.
"""

from __future__ import annotations

import re
from bisect import bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# How often a text may have been escaped, one way over another.
_MOST = 3
# Of one byte: `%252541`, `&#x00000041;`, `\\\\u0041`, or one over another.
LONGEST_ESCAPE = 14
_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_ESCAPE = re.compile(
    rb"(?:%|\\u00|\\x)([0-9a-f]{2})"
    rb"|&#(?:x0{0,6}([0-9a-f]{2})|0{0,6}([0-9]{2,3}));"
    rb"|&(amp|lt|gt|quot|apos);"
    # A backslash before a mark stands for the mark.
    rb"|\\([^a-z0-9\s])"
)


class Layer:
    """A text in small letters; `begin` and `end` are where a part of it was in the first one."""

    def __init__(
        self, text: bytes, below: Layer | None = None, cuts: Sequence[tuple[int, int, int]] = ()
    ) -> None:
        self.text = text
        self._below = below
        # Of each escape: where its byte is here, and where it began and ended below.
        self._cuts = cuts
        self._places = [at for at, _, _ in cuts]

    def begin(self, at: int) -> int:
        """Return where the byte at a place begins in the first text."""
        return at if self._below is None else self._below.begin(self._span(at)[0])

    def end(self, at: int) -> int:
        """Return where what ends before a place ends in the first text."""
        if self._below is None or not at:
            return at
        return self._below.end(self._span(at - 1)[1])

    def _span(self, at: int) -> tuple[int, int]:
        number = bisect_right(self._places, at) - 1
        if number < 0:
            return at, at + 1
        place, begin, end = self._cuts[number]
        if at == place:
            return begin, end
        moved = end + at - place - 1
        return moved, moved + 1


def layers_of(data: bytes) -> list[Layer]:
    r"""Return a text in small letters, and behind it the same with escapes undone, while there are.

    >>> [layer.text for layer in layers_of(rb"A%252Fb\u0041")]
    [b'a%252fb\\u0041', b'a%2fba', b'a/ba']
    """
    layers = [Layer(data.lower())]
    while len(layers) <= _MOST:
        below = layers[-1]
        parts: list[bytes] = []
        cuts: list[tuple[int, int, int]] = []
        at = size = 0
        for match in _ESCAPE.finditer(below.text):
            byte = _byte(match)
            if byte is None:
                continue
            begin, end = match.span()
            size += begin - at
            parts += below.text[at:begin], byte
            cuts.append((size, begin, end))
            at, size = end, size + 1
        if not cuts:
            break
        parts.append(below.text[at:])
        layers.append(Layer(b"".join(parts), below, cuts))
    return layers


def _byte(match: re.Match[bytes]) -> bytes | None:
    """Return the byte that an escape stands for, in small letters; None for one that is no byte."""
    hexadecimal, of_html, decimal, name, mark = match.groups()
    if name or mark:
        return _NAMED[name] if name else mark
    number = int(decimal) if decimal else int(hexadecimal or of_html, 16)
    return bytes((number,)).lower() if number < 256 else None
