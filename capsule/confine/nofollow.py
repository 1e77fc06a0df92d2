"""Opening a folder by a path in which no name is a link.

Paths of folders are checked before a run, and used when a process starts. In between a sandbox with
a writable folder above may move things: a folder away, and another one, with a link of the user's
in it, to its place. So the path is walked again, link for link refused, where it is used.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# With O_PATH a folder that may only be passed through, as /home can be, is no obstacle.
_PASS = getattr(os, "O_PATH", os.O_RDONLY)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def has_no_links(path: Path) -> bool:
    """Return whether an absolute path is free of links now; there may be nothing at its end."""
    return os.path.realpath(path) == str(path)


def open_nofollow(path: Path, flags: int = _PASS) -> int:
    """Return a descriptor of the folder at `path`, opened with `flags` without following a link.

    Raises `OSError`: `NotADirectoryError` where a link or a file is in the way.
    """
    parts = path.parts[1:]
    here = os.open(path.anchor, (_PASS if parts else flags) | _FOLDER)
    for number, part in enumerate(parts, 1):
        try:
            inner = os.open(part, (_PASS if number < len(parts) else flags) | _FOLDER, dir_fd=here)
        finally:
            os.close(here)
        here = inner
    return here
