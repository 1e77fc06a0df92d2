"""Lock files: the kernel lets go of a lock when its process dies, however it dies.

Never on the database itself: closing any descriptor of a file drops the locks that SQLite holds on
it in the same process.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress

from capsule.file_lock import try_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOOK_AGAIN = 0.01
# Windows deletes no file that is open, as Python opens files.
_STAYS_WHILE_OPEN = os.name == "nt"


def take(path: Path) -> int | None:
    """Make `path`, lock it and return the descriptor that holds the lock; None if it is taken.

    Raises `OSError`.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(handle):
                os.close(handle)
                return None
            # Someone may have swept it away between the two; such a lock says nothing.
            if os.path.samestat(path.stat(), os.fstat(handle)):
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def sweep(path: Path) -> bool:
    """Delete `path` if no living process has it locked, and say whether none has."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        free = try_lock(handle)
        if free and not _STAYS_WHILE_OPEN:
            with suppress(OSError):
                path.unlink()
    except OSError:  # this file system has no locks
        return False
    finally:
        os.close(handle)
    if free and _STAYS_WHILE_OPEN:
        # Nor can it be deleted if somebody has taken it since.
        with suppress(OSError):
            path.unlink()
    return free


def wait(path: Path, seconds: float) -> int:
    """Do what `take` does, waiting for it.

    Raises `OSError`: `TimeoutError` when others keep it so long.
    """
    deadline = time.monotonic() + seconds
    while (handle := take(path)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{path.name} is locked")
        time.sleep(_LOOK_AGAIN)
    return handle


@contextmanager
def held(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock on `path`. Raises as `wait` does."""
    handle = wait(path, seconds)
    try:
        yield
    finally:
        os.close(handle)
