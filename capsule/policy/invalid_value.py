"""What all parameters share: the error for a wrong value, and how values appear in messages.

The values come from code nobody trusts, so a message must stay short, on its lines, and free of
terminal escapes, whatever the value is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 80  # characters of a value that a message repeats


class InvalidValueError(UsageError):
    """Raised when a value is not what its parameter allows.

    The message starts with the value; whoever knows whose value it is (a task's, a key's of
    capsule.toml) raises their own error with that in front.
    """

    def __init__(self, value: str, problem: str, allowed: str, *, hint: str | None = None) -> None:
        super().__init__(f"{value} {problem}; allowed: {allowed}", hint=hint)


def shown(value: object) -> str:
    """Return `value` as a message shows it: like `repr`, but short and never failing.

    >>> shown("12XB")
    "'12XB'"
    >>> shown(1 << 100_000)
    'a number of 100001 bits'
    """
    if isinstance(value, int) and value.bit_length() > 256:
        # repr() of a very long number is refused by Python itself.
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, (str, bytes)) and len(value) > SHOWN:
        return f"{value[:SHOWN]!r}..."
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def printable(text: str) -> str:
    """Return `text` with everything escaped that could move a terminal's cursor.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that `name` was probably meant to be, if any.

    >>> nearest("allowed_host", ["allowed_hosts", "ram"])
    'allowed_hosts'
    >>> nearest("ram", ["default_ram", "default_timeout"])
    'default_ram'
    """
    # Imported here: it is only needed once something is wrong.
    from difflib import get_close_matches

    candidates = {one.lower(): one for one in known}
    asked = name[:SHOWN].lower().replace("-", "_")
    for plain, one in candidates.items():
        if plain == asked or plain.endswith("_" + asked):
            return one
    close = get_close_matches(asked, candidates, n=1)
    return candidates[close[0]] if close else None
