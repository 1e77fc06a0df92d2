"""How many processes of this program may wait for a request, and how much memory they may take."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock

# One that waits takes some 15 MB (PSS); pandas and its like, 60 MB.
MAX_PROCESSES = 64
MAX_BYTES = 2 << 30
_USUAL = 15 << 20


class Quota:
    """At most `processes`, with `size` bytes of memory of their own together.

    >>> quota = Quota(processes=1, size=100)
    >>> quota.enter(), quota.enter()
    (True, False)
    """

    def __init__(self, *, processes: int = MAX_PROCESSES, size: int = MAX_BYTES) -> None:
        self._processes, self._size = processes, size
        self._lock = Lock()
        self._waiting = 0
        self._taken = 0

    def __repr__(self) -> str:
        return f"<Quota {self._waiting} of {self._processes} wait, with {self._taken >> 20} MB>"

    def enter(self) -> bool:
        """Take a place for a process, if there is one."""
        with self._lock:
            if self._waiting >= self._processes or self._taken >= self._size:
                return False
            self._waiting += 1
            return True

    def weigh(self, size: int) -> None:
        """Count the memory of a process that has a place."""
        with self._lock:
            self._taken += size

    def leave(self, size: int) -> None:
        """Give a place back, with the memory that was counted for it."""
        with self._lock:
            self._waiting -= 1
            self._taken -= size

    def forget(self) -> None:
        """In a child process, which has none of the processes that wait: begin anew."""
        self._lock = Lock()
        self._waiting = self._taken = 0


# That of this program.
SHARED = Quota()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SHARED.forget)


def own_memory(pid: int) -> int:
    """Return the bytes of memory that a process has for itself; a usual figure where none is told.

    >>> own_memory(os.getpid()) > 0
    True
    """
    if sys.platform == "linux":
        with suppress(OSError, ValueError, IndexError):
            _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_bytes().split())
            return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    return _USUAL
