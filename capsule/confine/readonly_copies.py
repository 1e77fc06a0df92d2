"""Copies of folders for a sandbox to read: of what is in them, and not of what links lead to."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path

from capsule.confine.nofollow import open_nofollow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_READ_FILE, _READ_FOLDER = 0o444, 0o555
_HERE = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
# Never waits: what was a file when it was looked at may be a pipe when it is opened.
_FILE = _HERE | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_FILE |= getattr(os, "O_BINARY", 0)
# Windows opens nothing by a descriptor of its folder; making a link takes rights there.
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.scandir in os.supports_fd


def copy_tree(
    folder: Path,
    target: Path,
    count: Callable[[int | None], None],
    shows: Callable[[Path, str], bool] = lambda _folder, _name: True,
) -> None:
    """Copy files, folders, and links as links, into the empty folder `target`, only to be read.

    What `shows` does not say yes to, given its folder and its name, is left out. `count` is told of
    everything else before it is copied: a file's size in bytes, 0 for a folder or a link, None for
    what stays away.

    Raises `OSError`, and what `count` raises.
    """
    pending, made = [(folder, target)], []
    while pending:
        source, copy = pending.pop()
        with _opened(source) as here, os.scandir(here) as entries:
            for entry in entries:
                if not shows(source, entry.name):
                    continue
                place = copy / entry.name
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    count(0)
                    place.mkdir()
                    made.append(place)
                    pending.append((source / entry.name, place))
                elif stat.S_ISLNK(mode):
                    count(0)
                    place.symlink_to(_link(here, entry))
                elif stat.S_ISREG(mode):
                    _copy_file(here, entry, place, count)
                else:
                    count(None)
    for copy in made:
        copy.chmod(_READ_FOLDER)


@contextmanager
def _opened(folder: Path) -> Iterator[int | Path]:
    """Give the folder by a descriptor, where the system has that: a path can change its meaning."""
    if not _BY_DESCRIPTOR:
        yield folder
        return
    descriptor = open_nofollow(folder, _HERE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _link(here: int | Path, entry: os.DirEntry[str]) -> str:
    if isinstance(here, int):
        return os.readlink(entry.name, dir_fd=here)
    return str(Path(entry.path).readlink())


def _copy_file(
    here: int | Path, entry: os.DirEntry[str], place: Path, count: Callable[[int | None], None]
) -> None:
    import shutil

    if isinstance(here, int):
        source = os.open(entry.name, _FILE, dir_fd=here)
    else:
        source = os.open(entry, _FILE)
    with os.fdopen(source, "rb") as file:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            count(None)
            return
        count(status.st_size)
        with place.open("xb") as copy:
            shutil.copyfileobj(file, copy)
    place.chmod(_READ_FILE)
