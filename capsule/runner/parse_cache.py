"""What reading a file gave, so that nobody has to read it again.

It is kept as JSON in the cache, under a key that stands for the file's content, or for
the state it was in: whoever changes a file changes its ctime, which nobody can set back. What a run
may do is worked out anew each time.
"""

from __future__ import annotations

import os
from contextlib import suppress

from capsule import __version__, direct_json
from capsule.errors import CapsuleError
from capsule.progress import Silent
from capsule.snapshot import cache
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

STORE = "plans"
_FORMAT = 1
_CONTENT = "plan.json"
_MOST = 256 << 10


def key(kind: str, *parts: bytes) -> str:
    """Return what stands for `parts`, and for the version of capsule that looked at them."""
    return cache.key(f"{__version__} {_FORMAT} {kind}".encode(), *parts)


def key_of(path: str, status: os.stat_result) -> str:
    """Return what stands for a file in the state that `status` tells."""
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return key("file", os.fsencode(path), repr(state).encode())


def recall(home: Path, key: str) -> dict[str, Any] | None:
    """Return what was kept under `key`, None when there is nothing that can be believed."""
    found = cache.look(home / "cache" / STORE / key)
    if not isinstance(found, cache.Entry):
        return None
    try:
        values = direct_json.loads((found.folder / _CONTENT).read_bytes())
    except (OSError, ValueError):
        return None
    files.note_use(found.folder / cache.INDEX)
    return values if isinstance(values, dict) else None


def keep(home: Path, key: str, values: dict[str, Any]) -> None:
    """Keep values of JSON under `key`, in place of others; nothing happens where that fails."""
    text = direct_json.dumps(values).encode()
    if len(text) > _MOST:
        return

    def make(folder: Path) -> cache.Facts:
        from capsule.snapshot import eviction

        eviction.prune_at_times(folder.parent)
        (folder / _CONTENT).write_bytes(text)
        return {}

    with suppress(CapsuleError, OSError):
        cache.renew(home / "cache" / STORE, key, make, Silent())
