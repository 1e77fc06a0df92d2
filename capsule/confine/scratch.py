"""The private `/tmp` of a run: empty, writable, bounded, and gone afterwards.

The system bounds single files. It has no bound for a folder that works without privileges, so the
folder is looked at while the run goes on: a run that is above the bound by then is ended.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GUEST = "/tmp"  # noqa: S108 - inside the sandbox
MAX_FILE = 128 << 20
MAX_BYTES = 256 << 20
MAX_ENTRIES = 10_000
# Seconds between two looks; a fast disk takes some 100 MB in that time.
INTERVAL = 0.1


class Scratch:
    """One such folder; `path` is where it lies on the host.

    `next_look` is when `overflow` looks again, in the seconds of `time.monotonic`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.next_look = time.monotonic() + INTERVAL

    def __repr__(self) -> str:
        return f"Scratch({str(self.path)!r})"

    def overflow(self) -> str | None:
        """Say which bound the folder is above, if any; it is looked at every `INTERVAL`."""
        now = time.monotonic()
        if now < self.next_look:
            return None
        self.next_look = now + INTERVAL
        size = 0
        for entries, found in enumerate(_walk(self.path), 1):
            size += found
            if entries > MAX_ENTRIES:
                return f"{GUEST} holds more than {MAX_ENTRIES:,} files and folders"
            if size > MAX_BYTES:
                return f"{GUEST} holds more than {MAX_BYTES >> 20} MB"
        return None


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Make the folder of a run, and delete it afterwards with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="capsule-", ignore_cleanup_errors=True) as folder:
        yield Scratch(Path(folder))


def _walk(folder: Path) -> Iterator[int]:
    """Yield the size of everything below `folder`; what goes away meanwhile is left out."""
    pending = [os.fspath(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    try:
                        yield entry.stat(follow_symlinks=False).st_size
                    except FileNotFoundError:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except FileNotFoundError:
            continue
