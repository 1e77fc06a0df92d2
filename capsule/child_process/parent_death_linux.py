"""What ends a process when the program that started it is gone, however that ended.

On Linux each sandbox, and each pip, holds the reading end of a pipe whose writing end this program
keeps. When the program dies, even by SIGKILL, the kernel closes that end and sends the signal that
was chosen for the event: no second process has to watch, and none can be killed first. A sandbox
that has lost its host before this was set up reads the end of its stdin instead of a request, and
ends by itself.

macOS knows no such signal: see `capsule.child_process.parent_death_macos`.
"""

from __future__ import annotations

import os

from capsule.signal_calls import signal

# Where a sandbox process finds its end of the pipe; WebAssembly cannot see it.
DESCRIPTOR = 3


class ParentDeathPipe:
    """One process's tie to this program, a pipe; `close` it when the process is gone."""

    def __init__(self, theirs: int, mine: int) -> None:
        self.theirs, self._mine = theirs, mine

    def tie(self, pid: int) -> None:
        """Have `pid` killed when this program ends, and give back what only it needs.

        A negative `pid` is a whole process group, as for `kill`.
        """
        import fcntl

        # The owner is told of every event; nothing is ever written, so the end is the only one.
        fcntl.fcntl(self.theirs, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(self.theirs, fcntl.F_SETOWN, pid)
        flags = fcntl.fcntl(self.theirs, fcntl.F_GETFL)
        fcntl.fcntl(self.theirs, fcntl.F_SETFL, flags | fcntl.FASYNC)
        os.close(self.theirs)
        self.theirs = -1

    def close(self) -> None:
        """Give the descriptors back; a process that is still tied is killed."""
        for descriptor in (self.theirs, self._mine):
            if descriptor >= 0:
                os.close(descriptor)
        self.theirs = self._mine = -1
