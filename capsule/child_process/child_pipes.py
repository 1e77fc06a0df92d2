"""Starting a program in a process group of its own, with pipes to it."""

from __future__ import annotations

import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def start_with_pipes(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    stdin: bool,
    group: int = 0,
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `argv` with pipes from its stdout and stderr, and to its stdin where `stdin` is true.

    Without, its stdin is at its end. Of other descriptors it has those that are `inherited`. It is
    in the process group `group`, 0 for one of its own: a kill of the group reaches what the program
    has started, and a Ctrl-C that is meant for this program does not reach it. On Windows it ends
    with this program. Raises `OSError` when it cannot be started.
    """
    if sys.platform == "win32":
        from capsule.child_process import child_pipes_windows

        process = child_pipes_windows.start(argv, environ)
    else:
        process = subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=True,
            pass_fds=inherited,
            process_group=group,
        )
    if not stdin and process.stdin is not None:
        # A pipe in place of /dev/null, which a jail may lack.
        process.stdin.close()
        process.stdin = None
    return process
