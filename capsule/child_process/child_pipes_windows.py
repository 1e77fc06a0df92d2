"""Starting a program on Windows with pipes to it, in a job of this program.

The pipes are made here, and not by `subprocess`: the usual ones hold 4 KiB, and wasmtime writes as
much at a time. To read 40 MB out of those took 2 to 3 seconds under wine, and 1 out of these.
"""

from __future__ import annotations

import os
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HOLDS = 1 << 20

if sys.platform == "win32":
    import _winapi
    import msvcrt

    from capsule.child_process import parent_death_windows

    def start(argv: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start `argv` with three pipes; it ends with this program. Raises `OSError`."""
        ends: list[int] = []
        try:
            for _ in range(3):
                made = _winapi.CreatePipe(None, _HOLDS)
                ends += (msvcrt.open_osfhandle(handle, os.O_BINARY) for handle in made)
            stdin, my_stdin, my_stdout, stdout, my_stderr, stderr = ends
            process = subprocess.Popen(
                argv,
                env=dict(environ),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                close_fds=True,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
        except BaseException:
            for end in ends:
                os.close(end)
            raise
        for end in (stdin, stdout, stderr):
            os.close(end)
        process.stdin = os.fdopen(my_stdin, "wb")
        process.stdout = os.fdopen(my_stdout, "rb")
        process.stderr = os.fdopen(my_stderr, "rb")
        try:
            parent_death_windows.join(int(process._handle))  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way to it
        except BaseException:
            # One that would outlive this program is not let go on.
            process.kill()
            process.wait()
            raise
        return process
