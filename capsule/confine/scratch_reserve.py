"""Folders of runs that are over, emptied and kept for the next run of a program that runs many.

To make the four folders of a run, and to delete them, takes as long as half of the rest that this
program does for it: ext4 looks for a number that no folder had in the last seconds.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress

from capsule.confine.private_dirs import PrivateDir
from capsule.confine.remove_tree import FOLDER, can_empty, empty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What a program keeps at most.
_MOST = 16


class Folders:
    """A folder of this user's own with two empty ones in it, for one run at a time.

    Raises `ToolchainError` when there is no place for it.
    """

    def __init__(self, *names: str) -> None:
        self._own = PrivateDir()
        self.path = self._own.path
        self._names = {*names}
        # Not as objects: these are looked at for each run.
        self._places = [f"{self.path}{os.sep}{name}" for name in names]
        try:
            for place in self._places:
                os.mkdir(place, 0o700)  # noqa: PTH102 - as above
            self._states = self._looked() if can_empty() else []
        except BaseException:
            self.delete()
            raise

    def __repr__(self) -> str:
        return f"<Folders in {str(self.path)!r}>"

    def emptied(self) -> bool:
        """Delete what is in the two; say whether all is again as it was when they were made.

        A folder that had many files in it stays large on some file systems, and says so.
        """
        if not can_empty():
            return False
        try:
            there = {*os.listdir(self.path)}  # noqa: PTH208 - as above
            return self._looked(empty) == self._states and there == self._names
        except OSError:
            return False

    def _looked(self, prepare: Callable[[int], object] = lambda _: None) -> list[tuple[int, ...]]:
        """Return what tells whether the two are as they were, behind `prepare` of each."""
        found: list[tuple[int, ...]] = []
        for place in self._places:
            folder = os.open(place, FOLDER)
            try:
                prepare(folder)
                os.utime(folder)
                status = os.fstat(folder)
            finally:
                os.close(folder)
            found.append((status.st_ino, status.st_mode, status.st_nlink, status.st_size))
        return found

    def delete(self) -> None:
        """Delete it with all that is in it."""
        self._own.delete()

    def leave(self) -> None:
        """Let go of it as it is."""
        self._own.leave()


_free: list[Folders] = []
_at_end: list[Callable[[], object]] = []
_keepers = 0
_lock = threading.Lock()


class Keeper:
    """While there is one, folders are kept for the next run; `close` it."""

    def __init__(self) -> None:
        global _keepers  # noqa: PLW0603 - folders are of the program, whoever runs something
        self._open = True
        with _lock:
            _keepers += 1

    def close(self) -> None:
        """Delete what is kept, unless somebody else has it kept."""
        global _keepers  # noqa: PLW0603 - as above
        with _lock:
            if not self._open:
                return
            self._open = False
            _keepers -= 1
            if _keepers:
                return
        _delete_all()
        for each in _at_end:
            each()


def is_kept() -> bool:
    """Say whether folders are kept, and with them what else the next run can use again."""
    return _keepers > 0


def at_end(let_go: Callable[[], object]) -> None:
    """Have `let_go` called each time that nothing is to be kept any more."""
    _at_end.append(let_go)


def take() -> Folders | None:
    """Return folders that were kept, None where there are none."""
    with _lock:
        return _free.pop() if _free else None


def give_back(folders: Folders) -> None:
    """Keep folders that no process uses any more, or delete them."""
    if _keepers and folders.emptied():
        with _lock:
            if _keepers and len(_free) < _MOST:
                _free.append(folders)
                return
    folders.delete()


def _delete_all() -> None:
    """For whoever forgets to close what has them kept."""
    while (folders := take()) is not None:
        folders.delete()


def _forget() -> None:
    """What was kept is the parent's, in a child that goes on with its memory."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    for folders in _free:
        with suppress(OSError):
            folders.leave()
    _free.clear()


atexit.register(_delete_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
