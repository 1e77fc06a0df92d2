"""`capsule cache`: what was made to start faster, and how to get the room back."""

from __future__ import annotations

import time

from capsule.cli.parsing.integers import whole_number
from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.units import parse_size
from capsule.sessions.state_handles import FOLDER, StateHandles
from capsule.snapshot import eviction
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.terminal.console import Console

_DAY = 24 * 3600


class Prune(NamedTuple):
    """What the command line says, as text."""

    older_than: str | None
    max_size: str | None
    everything: bool
    json: bool


def list_entries(console: Console, *, as_json: bool) -> int:
    """Print a row for each kind of entry, and one for the states that have handles."""
    found = [*eviction.contents(_cache()), *_states()]
    if as_json:
        console.document([_as_json(kept) for kept in found])
        return 0
    for kind in sorted({kept.kind for kept in found}):
        console.out(_row(kind, [kept for kept in found if kept.kind == kind]))
    console.out(_row("total", found))
    return 0


def prune(console: Console, asked: Prune) -> int:
    """Delete what is old or too much, and say how much that was. Raises `UsageError`."""
    usual = eviction.Bounds()
    days = None if asked.older_than is None else whole_number("--older-than", asked.older_than, 0)
    bounds = eviction.Bounds(
        usual.age if days is None else days * _DAY,
        usual.size if asked.max_size is None else _size(asked.max_size),
    )
    gone = eviction.prune(_cache(), bounds, all_of_it=asked.everything)
    size = sum(kept.size for kept in gone)
    if asked.json:
        console.document({"deleted": [_as_json(kept) for kept in gone], "freed": size})
    else:
        console.out(f"deleted {_entries(len(gone))}, {size / 1e6:.1f} MB")
    return 0


def _as_json(kept: eviction.Kept) -> dict[str, object]:
    return {"kind": kept.kind, "size": kept.size, "used": int(kept.used), "path": str(kept.path)}


def _cache() -> Path:
    return checked_root() / "cache"


def _states() -> list[eviction.Kept]:
    """Return the states that have handles: no part of the cache, as they cannot be made again."""
    handles = StateHandles(checked_root())
    return [eviction.Kept(FOLDER, *each) for each in handles.listed()]


def _row(kind: str, entries: list[eviction.Kept]) -> str:
    size = sum(kept.size for kept in entries) / 1e6
    last = max((kept.used for kept in entries), default=None)
    used = "" if last is None else f"  last used {_ago(time.time() - last)}"
    return f"{kind:<12} {_entries(len(entries)):>12} {size:>10.1f} MB{used}"


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def _ago(seconds: float) -> str:
    for unit, length in (("days", _DAY), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except InvalidValueError as wrong:
        raise UsageError(f"--max-size: {wrong.message}", hint=wrong.hint) from None
