"""What to do when a limit of the system is in the way, by the error that it gives."""

from __future__ import annotations

import errno

_HINTS = {
    errno.EMFILE: "raise the limit on open files of this program: ulimit -n",
    errno.ENFILE: "wait until other programs have closed files: the system's limit is reached",
    errno.EAGAIN: "raise the limit on processes and threads of this user: ulimit -u",
    errno.ENOMEM: "raise the limit on memory of this program: ulimit -v",
}
# Errors that say nothing of the file that they came with.
EXHAUSTED = frozenset(_HINTS)
# Python's words where the system starts no thread; it has no number for them.
NO_THREAD = "can't start new thread"


def hint_of(error: BaseException, otherwise: str) -> str:
    """Return what helps against an exhausted limit, or `otherwise` where it is none.

    >>> hint_of(OSError(errno.EMFILE, "Too many open files"), "look at the file")
    'raise the limit on open files of this program: ulimit -n'
    """
    if isinstance(error, RuntimeError) and NO_THREAD in str(error):
        return _HINTS[errno.EAGAIN]
    number = error.errno if isinstance(error, OSError) else None
    return _HINTS.get(number or 0, otherwise)
