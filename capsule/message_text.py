"""Values and texts of strangers as messages show them: short, on one line, free of escapes.

And the name that was probably meant.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 80  # characters of a value that a message repeats


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


def listed(name: str) -> str:
    """Return a name as a line with several of them shows it: quoted where it could seem to be more.

    >>> listed("./data"), listed("./a (read-only), ./b")
    ('./data', "'./a (read-only), ./b'")
    """
    plain = len(name) <= SHOWN and name.isprintable() and not any(c in " ,;()'" for c in name)
    return name if plain else shown(name)


def printable(text: str) -> str:
    """Return `text` with everything escaped that could move a terminal's cursor.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nearest(name: str, known: Iterable[str], *, alike: float = 0.6) -> str | None:
    """Return the one of `known` that `name` was probably meant to be, if any.

    `alike` is how much of both has to be the same, from 0 to 1; that of `difflib` by default.

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
    close = get_close_matches(asked, candidates, n=1, cutoff=alike)
    return candidates[close[0]] if close else None
