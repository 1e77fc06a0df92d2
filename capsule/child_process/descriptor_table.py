"""A table of descriptors for one thread, where the C library cannot close the rest at a start.

Those are musl, and glibc before 2.34. Between a look at what is open and the start, another thread
may open something that is inherited. So the table is made a thread's own first, and what it then
closes is open in the rest of the program still. Constants are those of the kernel's
`include/uapi/linux/{close_range,sched}.h` and `include/uapi/asm-generic/unistd.h`.
"""

from __future__ import annotations

import _thread
import ctypes
import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CLOSE_RANGE, _UNSHARE = 436, 1 << 1
_CLONE_FILES = 0x400
_LAST = 0xFFFFFFFF
_STANDARD = frozenset((0, 1, 2))
# Each number up to here is tried where nothing says which are open; no limit is higher by default.
_MOST = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def with_only(keep: set[int], start: Callable[[tuple[int, ...]], int]) -> int:
    """Call `start` where nothing is open but `keep` and the standard descriptors.

    `start` is given what it has to have closed in the new process: nothing as a rule. Where the
    kernel is older than 5.9 and a container forbids `unshare`, a table cannot be had, and that is
    what is open now. Raises what `start` raises.
    """
    answer: list[int] = []
    trouble: list[BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def alone() -> None:
        try:
            answer.append(start(_closed_but(keep | _STANDARD)))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            trouble.append(error)
        finally:
            done.release()

    _thread.start_new_thread(alone, ())
    done.acquire()
    if trouble:
        raise trouble[0]
    return answer[0]


def _closed_but(keep: set[int]) -> tuple[int, ...]:
    """Close all but `keep` for this thread, or return what could not be closed."""
    gaps = list(_gaps(keep))
    # The first of these calls makes the table this thread's own.
    if all(_libc.syscall(_CLOSE_RANGE, *gap, _UNSHARE) == 0 for gap in gaps):
        return ()
    private = hasattr(_libc, "unshare") and _libc.unshare(_CLONE_FILES) == 0
    others = tuple(number for number in _open_ones() if number not in keep)
    if not private:
        return others
    for number in others:
        with suppress(OSError):
            os.close(number)
    return ()


def _gaps(keep: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges between the numbers of `keep`.

    >>> list(_gaps({0, 1, 2, 7}))
    [(3, 6), (8, 4294967295)]
    """
    first = 0
    for number in sorted(keep):
        if number > first:
            yield first, number - 1
        first = number + 1
    yield first, _LAST


def _open_ones() -> list[int]:
    """Return what this thread has open; its table need not be that of its program any more."""
    for folder in ("/proc/thread-self/fd", "/dev/fd"):
        with suppress(OSError):
            return sorted(int(name) for name in os.listdir(folder))  # noqa: PTH208 - names
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return list(range(_MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)))
