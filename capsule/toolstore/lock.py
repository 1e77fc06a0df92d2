"""One lock for all who prepare a toolchain in the same home, across processes and threads.

The kernel holds it on an open file and lets go when the process dies, however it dies: there is
no lock file to find stale. The file itself stays; removing it would let two holders in.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.progress import Progress

if sys.platform == "win32":
    import msvcrt

    def _try(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _wait(handle: int) -> None:
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError:  # it gives up after ten tries, a second apart
                continue
            return

    def _release(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _release(handle: int) -> None:
        # Closing is not enough: a process that was forked meanwhile has the same open file.
        fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock on `path`, waiting for it as long as it takes. Raises `OSError`."""
    while True:
        handle = _open(path)
        try:
            if not _try(handle):
                progress.note("another capsule is preparing what is needed here, waiting")
                _wait(handle)
            # Someone may have deleted the folder while we waited; such a lock keeps nobody out.
            if _still_there(path, handle):
                try:
                    yield
                finally:
                    _release(handle)
                return
        finally:
            os.close(handle)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock on `path` if nobody else does; say whether that is so. Raises `OSError`."""
    handle = _open(path)
    try:
        held = _try(handle)
        try:
            yield held
        finally:
            if held:
                _release(handle)
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    # Not inherited by children (Python's default): a child that lives on must not hold the lock.
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _still_there(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
