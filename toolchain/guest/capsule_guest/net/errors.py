"""What goes wrong, as the exceptions that clients of sockets know."""

from __future__ import annotations

import errno


def unsupported(text: str) -> OSError:
    """Return what says that `text` is not possible here."""
    return OSError(errno.EOPNOTSUPP, text)


def from_call(kind: str, message: str) -> OSError:
    """Return what a failed call to the host comes to: refused by policy, or failed out there."""
    if kind == "refused":
        return PermissionError(errno.EACCES, message)
    lower = message.lower()
    # The second is what a system says that gave up connecting by itself.
    if kind == "late" or "timed out" in lower:
        return TimeoutError(errno.ETIMEDOUT, message)
    # Not ECONNRESET nor EPIPE: clients swallow those while they send, to see what was answered.
    if "connection refused" in lower:
        return ConnectionRefusedError(errno.ECONNREFUSED, message)
    return ConnectionAbortedError(errno.ECONNABORTED, message)
