"""What the cache holds, and taking out of it what nobody has used for long.

Everything in the cache can be made again, so nothing is lost but time. An entry that a run is using
stays, and so does one that was used in the last minute.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress

from capsule.namedtuples import NamedTuple
from capsule.snapshot.cache import INDEX
from capsule.toolstore import files
from capsule.toolstore.toolchain_lock import delete_unused, locked_if_free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# What capsule keeps, and how its entries are named. Nothing else is ever looked at or deleted: the
# home can be set to a folder in which others have a cache too.
KINDS = (
    *("artifacts", "code", "generic", "host", "matplotlib", "modules", "packages", "plans"),
    *("sessions", "tasks"),
)
_NAME = re.compile(r"[0-9a-f]{32}")
# The files of an entry that bear the time of its last use; each entry has one.
_MARKS = (INDEX, "stamp")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
# The bounds are looked at this often, and sooner when the cache has grown above one: a program that
# runs new code all the time would fill the disk in an hour.
_OFTEN, _MANY = _HOUR, 500


class Kept(NamedTuple):
    """One entry of the cache: its kind, its size on the disk in bytes, when it was last used.

    `used` is in seconds since 1970.
    """

    kind: str
    path: Path
    size: int
    used: float


class Bounds(NamedTuple):
    """What may stay: entries used in the last `age` seconds, so many, of so many bytes in all."""

    age: float = 30 * _DAY
    size: int = 2 << 30
    entries: int = _MANY


def contents(cache: Path) -> list[Kept]:
    """Return every entry below `cache`, the longest unused first; none when there is no cache."""
    found = []
    for store in _stores(cache):
        for path in _folders(store):
            # Another process may make or delete entries meanwhile.
            with suppress(FileNotFoundError):
                if _NAME.fullmatch(path.name) and (used := _used(path)) is not None:
                    found.append(Kept(store.name, path, _size(path), used))
    return sorted(found, key=lambda kept: kept.used)


def prune(cache: Path, bounds: Bounds, *, all_of_it: bool = False) -> list[Kept]:
    """Delete what is above `bounds`, the longest unused first, and return what is gone.

    `all_of_it` deletes every entry but those that a run is using now. Raises `OSError`.
    """
    now = time.time()
    entries = contents(cache)
    size, count = sum(kept.size for kept in entries), len(entries)
    gone = []
    for kept in entries:
        unused = now - kept.used
        above = unused >= bounds.age or size > bounds.size or count > bounds.entries
        if (all_of_it or (above and unused >= _MINUTE)) and _delete(kept.path):
            size, count = size - kept.size, count - 1
            gone.append(kept)
    for leftover in _leftovers(cache, now):
        files.delete(leftover)
    if all_of_it:
        # Which packages answer which question: small, and kept as long as that helps offline.
        for path in (cache / "resolutions").glob("*.json"):
            path.unlink(missing_ok=True)
    with suppress(OSError):  # there is no cache, or one that is only read
        (cache / files.GROWTH).write_text(f"{size}\n")
    return gone


def prune_at_times(store: Path, bounds: Bounds | None = None) -> None:
    """Prune the cache that `store` is in, when it is time for that, to the usual bounds or others.

    A cache that cannot be pruned stays as it is.
    """
    cache, bounds = store.parent, bounds or Bounds()
    with suppress(OSError):
        crowded = len(os.listdir(store)) > 2 * bounds.entries  # noqa: PTH208 - an entry has a lock
        if crowded or _grown(cache) > bounds.size or _not_pruned_for(cache) > _OFTEN:
            # Well below the bounds, so that this is not done for each new entry.
            prune(cache, Bounds(bounds.age, bounds.size * 3 // 4, bounds.entries // 2))


def _grown(cache: Path) -> int:
    """Return what the cache has, by what was noted since it was looked through."""
    try:
        return sum(int(line) for line in (cache / files.GROWTH).read_text().split())
    except ValueError:
        return sys.maxsize
    except FileNotFoundError:
        return 0


def _not_pruned_for(cache: Path) -> float:
    """Return for how many seconds nobody has pruned the cache."""
    stamp = cache / "pruned"
    since = time.time() - stamp.stat().st_mtime if stamp.exists() else _OFTEN + 1
    if since > _OFTEN:
        stamp.touch()
    return since


def _delete(entry: Path) -> bool:
    """Delete an entry unless someone is making or using it; say whether it is gone."""
    guard = entry.with_name(f"{entry.name}{files.LOCK}")
    with locked_if_free(guard) as held:
        if not held or not delete_unused(entry):
            return False
        # On Windows a lock that is held stays: it is an open file.
        if os.name != "nt":
            guard.unlink(missing_ok=True)
    return True


def _leftovers(cache: Path, now: float) -> Iterator[Path]:
    """Yield what processes that were killed have left a day ago or earlier."""
    for store in _stores(cache):
        for path in _folders(store):
            with suppress(FileNotFoundError):
                if path.name.startswith(files.UNFINISHED) and now - path.stat().st_mtime > _DAY:
                    yield path


def _stores(cache: Path) -> list[Path]:
    return [path for path in _folders(cache) if path.name in KINDS]


def _folders(folder: Path) -> Iterable[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _size(folder: Path) -> int:
    """Return what a folder takes on the disk: files of zeros have holes."""
    total = 0
    for around, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(around, name))  # noqa: PTH118 - a pass over many files
            blocks = getattr(status, "st_blocks", None)
            total += status.st_size if blocks is None else 512 * blocks
    return total


def _used(folder: Path) -> float | None:
    """Return when an entry was last used, None for a folder that is no entry."""
    found = [folder / mark for mark in _MARKS if (folder / mark).is_file()]
    return max((path.stat().st_mtime for path in found), default=None)
