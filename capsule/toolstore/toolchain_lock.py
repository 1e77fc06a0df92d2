"""One lock for all who prepare a toolchain in the same home, across processes and threads.

The kernel holds it on an open file and lets go when the process dies, however it dies: there is
no lock file to find stale. The file itself stays; removing it would let two holders in.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager

from capsule.file_lock import try_lock
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from capsule.progress import Progress

# How often one that also watches something else asks for a lock, in seconds.
_INTERVAL = 0.05

if sys.platform == "win32":
    import _winapi
    import msvcrt

    # How a folder is opened: to list it, so that others may read and write there, and to delete it,
    # so that they may do that too. Who asks for one and does not share the other is refused.
    _TO_LIST, _TO_DELETE = (0x1, 0x3), (0x10000, 0x7)
    _EXISTING, _OF_A_FOLDER = 3, 0x02000000

    def _wait(handle: int) -> None:
        while True:
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError:  # it gives up after ten tries, a second apart
                continue
            return

    def _release(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

    def _lease(folder: Path, access: int, shared: int) -> Lease | None:
        how = (access, shared, 0, _EXISTING, _OF_A_FOLDER, 0)
        try:
            return Lease(_winapi.CreateFile(str(folder), *how), _winapi.CloseHandle)
        except OSError:
            return None

    def lease(folder: Path) -> Lease | None:
        """Return a lease on `folder`, None when there is none or somebody is deleting it."""
        return _lease(folder, *_TO_LIST)

    def claim(folder: Path) -> Lease | None:
        """Return a lease that nobody else has one beside, None while anybody has: to delete it.

        Another may have such a one, and be deleting it too.
        """
        return _lease(folder, *_TO_DELETE)

else:
    import fcntl

    def _wait(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _share(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(handle: int) -> None:
        # Closing is not enough: a process that was forked meanwhile has the same open file.
        fcntl.flock(handle, fcntl.LOCK_UN)

    def lease(folder: Path) -> Lease | None:
        """Return a lease on `folder`, None when there is none or somebody is deleting it."""
        return _claimed(folder, _share)

    def claim(folder: Path) -> Lease | None:
        """Return a lease that nobody else has one beside, None while anybody has: to delete it."""
        return _claimed(folder, try_lock)

    def _claimed(folder: Path, take: Callable[[int], bool]) -> Lease | None:
        try:
            handle = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            return None
        if take(handle) and _still_there(folder, handle):
            return Lease(handle, os.close)
        os.close(handle)
        return None


class Lease:
    """Keeps a folder from being deleted, as long as it is referred to: for what is in use.

    Any number of processes may hold one at once. On Windows its holder cannot delete it either.
    """

    def __init__(self, handle: int, close: Callable[[int], None]) -> None:
        self._handle, self._close = handle, close

    def __repr__(self) -> str:
        return f"<Lease on handle {self._handle}>"

    def release(self) -> None:
        """Let go; nothing happens when that was done."""
        if self._handle >= 0:
            self._close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        self.release()


def delete_unused(folder: Path) -> bool:
    """Delete a folder that nobody has a lease on; say whether it is gone. Raises `OSError`."""
    if (lease := claim(folder)) is None:
        return False
    aside = folder.with_name(f"{files.UNFINISHED}{folder.name}-{os.urandom(8).hex()}")
    try:
        # Moved first: whoever looks finds it whole or not at all.
        folder.rename(aside)
        if os.name == "nt":
            # Before it is looked through: the handle keeps others from that there, and itself.
            lease.release()
        files.delete(aside)
    except OSError:
        # There, another may be at it too, or have a file of it open.
        if os.name != "nt":
            raise
        return False
    finally:
        lease.release()
    return True


@contextmanager
def locked(
    path: Path, progress: Progress, watch: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock on `path`, waiting for it as long as it takes, or until `watch` raises.

    Raises `OSError`.
    """
    while True:
        handle = _open(path)
        try:
            if not try_lock(handle):
                progress.note("another capsule is preparing what is needed here, waiting")
                if watch is None:
                    _wait(handle)
                else:
                    _wait_watched(handle, watch)
            # Someone may have deleted the folder while we waited; such a lock keeps nobody out.
            if _still_there(path, handle):
                try:
                    yield
                finally:
                    _release(handle)
                return
        finally:
            os.close(handle)


def _wait_watched(handle: int, watch: Callable[[], None]) -> None:
    """Wait for a lock, which nothing can be told of while it also looks at a clock: so it asks."""
    while not try_lock(handle):
        watch()
        time.sleep(_INTERVAL)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock on `path` if nobody else does; say whether that is so. Raises `OSError`."""
    handle = _open(path)
    try:
        held = try_lock(handle)
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
