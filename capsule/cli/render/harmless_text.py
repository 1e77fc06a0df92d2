"""Texts that a stranger may have chosen, so that they can neither drive a terminal nor mislead.

What drives one: control characters, of C1 and DEL too. What misleads: marks that turn the direction
of what stands around them, and separators of lines that editors and terminals show differently.
"""

from __future__ import annotations

import re

# C0, DEL and C1; marks, embeddings, overrides and isolates of UAX 9; U+2028 and U+2029.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_KEPT = "\t\n\r"


def harmless(text: str, keep: str = _KEPT) -> str:
    r"""Return a text with "?" for each character that could do harm, but those of `keep`.

    >>> harmless("a\x1b[2Jb\tc\n\u202ed")
    'a?[2Jb\tc\n?d'
    """
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(lambda found: found[0] if found[0] in keep else "?", text)


def harmless_json(text: str) -> str:
    r"""Return JSON that means the same, with escapes for each character that could do harm.

    >>> harmless_json('{"a": "\x9b\u202e"}')
    '{"a": "\\u009b\\u202e"}'
    """
    if text.isascii() and text.isprintable():
        return text
    return _HARMFUL.sub(
        lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text
    )
