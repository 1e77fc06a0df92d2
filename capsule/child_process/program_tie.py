"""Programs that end with this one, with all that they have started.

Sandbox processes are tied by themselves; this is for pip and uv, which start others, for what
compiles, and for what reads costly sources. On Windows `capsule.child_process.child_pipes` does it
for all.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from capsule.child_process.child_pipes import start_with_pipes
from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from capsule.child_process.parent_death_linux import ParentDeathPipe
    from capsule.child_process.parent_death_macos import Watchdog


class ProgramTie:
    """Starts one program and ends it, its children too; `close` it when the program has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: ParentDeathPipe | None = None
        self._watchdog: Watchdog | None = None

    def start(
        self, argv: Sequence[str], environ: Mapping[str, str], *, stdin: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start the program, with a pipe to its stdin or nothing on it. Raises `OSError`."""
        if sys.platform == "linux":
            from capsule.child_process.parent_death_linux import ParentDeathPipe

            self._pipe = ParentDeathPipe(*os.pipe())
            process = start_with_pipes(argv, environ, stdin=stdin, inherited=(self._pipe.theirs,))
            self._process = process
            with suppress(ProcessLookupError):  # it has ended already
                self._pipe.tie(-process.pid)
        elif sys.platform == "win32":
            process = self._process = start_with_pipes(argv, environ, stdin=stdin)
        else:
            from capsule.child_process.parent_death_macos import Watchdog

            self._watchdog = Watchdog()
            process = self._process = start_with_pipes(
                argv, environ, stdin=stdin, group=self._watchdog.group
            )
        return process

    def kill(self) -> None:
        """End the program and its children, and wait until it is gone."""
        process = self._process
        if process is None:
            return
        if sys.platform != "win32" and process.returncode is None:
            group = process.pid if self._watchdog is None else self._watchdog.group
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        process.kill()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        process.wait()

    def close(self) -> None:
        """Let go; what the program has left running ends."""
        if self._pipe is not None:
            self._pipe.close()
        if self._watchdog is not None:
            self._watchdog.close()
        self._pipe = self._watchdog = None
