"""Opening folders and files by a path in which no name is a link.

Paths of folders are checked before a run, and used when a process starts. In between a sandbox with
a writable folder above may move things: a folder away, and another one, with a link of the user's
in it, to its place. So the path is walked again, link for link refused, where it is used.

So it is with files in a folder that a sandbox sees: the view of a project has links, too.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

# With O_PATH a folder that may only be passed through, as /home can be, is no obstacle.
_PASS = getattr(os, "O_PATH", os.O_RDONLY)
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN
# Never waits: what was a file when it was looked at may be a pipe when it is opened.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _PLAIN
# Windows opens nothing by a descriptor of its folder; making a link takes rights there.
_BY_DESCRIPTOR = {os.open, os.mkdir} <= os.supports_dir_fd


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


def create_below(folder: Path, name: str) -> BinaryIO:
    """Make the file `name` below `folder`, and folders for it; open it to be written.

    Nothing is replaced. Raises `OSError`, also where a link is in the way.
    """
    *parts, last = name.split("/")
    with _below(folder, parts, make=True) as (place, here):
        return os.fdopen(os.open(place + last, _NEW, 0o600, dir_fd=here), "wb")


def create_folder_below(folder: Path, name: str) -> None:
    """Make the folder `name` below `folder`, unless it is there. Raises as `create_below` does."""
    with _below(folder, name.split("/"), make=True):
        pass


def open_below(folder: Path, name: str) -> BinaryIO:
    """Open the file `name` below `folder` to be read. Raises `OSError`, also for what is none."""
    *parts, last = name.split("/")
    with _below(folder, parts, make=False) as (place, here):
        handle = os.open(place + last, _READ, dir_fd=here)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(handle, "rb")


@contextmanager
def _below(folder: Path, parts: Sequence[str], *, make: bool) -> Iterator[tuple[str, int | None]]:
    """Give what stands before a name in the folder that `parts` lead to, and its descriptor."""
    if not _BY_DESCRIPTOR:
        yield f"{_walked(folder, parts, make=make)}{os.sep}", None
        return
    here = os.open(folder, _PASS | _FOLDER)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=here)
            inner = os.open(part, _PASS | _FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        yield "", here
    finally:
        os.close(here)


def _walked(folder: Path, parts: Sequence[str], *, make: bool) -> Path:
    for part in parts:
        folder /= part
        if make:
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return folder
