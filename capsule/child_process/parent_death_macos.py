"""What ends the sandboxes of a program that is gone, on systems that have no signal for that.

A shell waits for the end of a pipe whose other end this program keeps, and then kills the process
group that it leads. All sandboxes of this program are started in that group. It was never run on
macOS, which it is for; the tests run it on Linux.
"""

from __future__ import annotations

import os
from threading import Lock

_SHELL = "/bin/sh"
_SCRIPT = "read _; kill -9 0"


class Watchdog:
    """The shell; `group` is the number of its process group."""

    def __init__(self) -> None:
        from capsule.child_process import spawn

        reader, self._writer = os.pipe()
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            streams = [(reader, 0), (nowhere, 1), (nowhere, 2)]
            self.group = spawn.alone(
                streams,
                lambda closed: spawn.spawn(
                    [_SHELL, "-c", _SCRIPT], {}, duplicates=streams, group=0, closed=closed
                ),
            )
        except BaseException:
            os.close(self._writer)
            raise
        finally:
            os.close(reader)
            os.close(nowhere)

    def watches(self) -> bool:
        """Say whether the shell is there; nobody can be started in the group of one that is not."""
        try:
            return os.waitpid(self.group, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    def close(self) -> None:
        """End the shell, and with it what is still in its group."""
        os.close(self._writer)
        os.waitpid(self.group, 0)


_lock = Lock()
_watchdogs: list[Watchdog] = []


def group() -> int:
    """Return the process group to start sandboxes in. Raises `OSError` when there is no shell."""
    with _lock:
        if not _watchdogs or not _watchdogs[-1].watches():
            _watchdogs.append(Watchdog())
        return _watchdogs[-1].group
