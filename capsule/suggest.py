"""The name that was probably meant, out of those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.message_text import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterable


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
