"""Folders for one run alone, which are gone afterwards even when the program was killed.

All of them lie in one folder of this user, where the system keeps temporary files. Each is locked
as long as its program lives; the kernel lets go when that dies, however it dies. A folder that
nobody has locked was left behind, and the next program to start sweeps it away. Windows locks no
folders: there a file beside each is.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from capsule.confine.remove_tree import remove_tree
from capsule.errors import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_USUAL = ("/tmp", "/var/tmp")  # noqa: S108 - a folder of this user's own is made in there
_NAME = "capsule-{}"
# A folder is locked right after it is made; one as young as this may be just about to be.
_YOUNG = 10.0
# The parent may be taken away between its making and its use: it goes with the last in it.
_TRIES = 10

_swept: set[Path] = set()


class PrivateDir:
    """An empty folder; `delete` it, with all that is in it then.

    Raises `ToolchainError` when there is no place for it.
    """

    def __init__(self) -> None:
        self.path = _made()
        self._handle = _lock(self.path)

    def __repr__(self) -> str:
        return f"<PrivateDir {str(self.path)!r}>"

    def delete(self) -> None:
        """Delete it; what cannot be deleted stays."""
        remove_tree(self.path)
        self.leave()
        _forget_lock(self.path)
        with suppress(OSError):
            self.path.parent.rmdir()

    def leave(self) -> None:
        """Let go of it as it is: it is somebody else's to delete."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make an empty folder, and delete it afterwards with all that is in it.

    Raises `ToolchainError` when there is no place for it.
    """
    made = PrivateDir()
    try:
        yield made.path
    finally:
        made.delete()


def sweep(parent: Path) -> int:
    """Delete the folders in `parent` that no living program uses, and say how many there were."""
    found = 0
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            with suppress(OSError):
                # The status' time cannot be set by what ran in there, as others can.
                status = entry.stat(follow_symlinks=False)
                if time.time() - status.st_ctime < _YOUNG or not stat.S_ISDIR(status.st_mode):
                    continue
                handle = _lock(Path(entry.path))
                if handle >= 0:
                    remove_tree(Path(entry.path))
                    os.close(handle)
                    _forget_lock(Path(entry.path))
                    found += 1
    return found


def parent_in(place: str) -> Path:
    """Return the folder in `place` that holds this user's folders.

    >>> parent_in("/tmp").name == f"capsule-{os.getuid()}"
    True
    """
    return Path(place, _NAME.format(os.getuid() if hasattr(os, "getuid") else "runs"))


def _made() -> Path:
    """Make a folder in the first place that takes one.

    Not by `tempfile`, which writes a file to find out where it can: a limit on the size of files
    is no reason not to run.
    """
    trouble = "there is none"
    for place in _places():
        parent = parent_in(place)
        for _ in range(_TRIES):
            try:
                _claim(parent)
                path = parent / os.urandom(8).hex()
                path.mkdir(mode=0o700)
            except FileNotFoundError as error:
                trouble = f"{place}: {error.strerror}"
                continue
            except OSError as error:
                trouble = f"{place}: {error.strerror}"
                break
            return path
    raise ToolchainError(
        f"no folder for temporary files can be written ({trouble})",
        hint="set TMPDIR to a folder that you can write to",
    )


def _claim(parent: Path) -> None:
    """Make the folder of this user, or see that it is; anybody may have made that name in `/tmp`.

    Raises `OSError` when it is somebody else's, or open to others.
    """
    with suppress(FileExistsError):
        parent.mkdir(mode=0o700)
    status = parent.lstat()
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    if not (stat.S_ISDIR(status.st_mode) and mine):
        raise PermissionError(1, f"{parent} is not a folder of this user")
    if hasattr(os, "getuid") and status.st_mode & 0o077:
        raise PermissionError(1, f"{parent} is open to others")
    if parent not in _swept:
        _swept.add(parent)
        sweep(parent)


def _lock(path: Path) -> int:
    """Lock a folder and return the descriptor that holds the lock, -1 when it cannot be had."""
    from capsule.file_lock import try_lock

    if sys.platform == "win32":
        handle = os.open(_lock_file(path), os.O_RDWR | os.O_CREAT)
    else:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    # This file system may have no locks.
    with suppress(OSError):
        if try_lock(handle):
            return handle
    os.close(handle)
    return -1


def _lock_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _forget_lock(path: Path) -> None:
    if sys.platform == "win32":
        # One that somebody else has open by now stays.
        with suppress(OSError):
            _lock_file(path).unlink()


def _places() -> Iterator[str]:
    named = (os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    yield from (place for place in named if place)
    yield from _USUAL
