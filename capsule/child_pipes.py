"""Starting a program in a process group of its own, with pipes to it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def start_with_pipes(
    argv: Sequence[str], environ: Mapping[str, str], *, stdin: bool
) -> subprocess.Popen[bytes]:
    """Start `argv` with pipes from its stdout and stderr, and to its stdin where `stdin` is true.

    Without, nothing is on its stdin. No other descriptor is inherited. A kill of the group reaches
    what the program has started, and a Ctrl-C that is meant for this program does not reach it.
    Raises `OSError` when it cannot be started.
    """
    windows = sys.platform == "win32"
    return subprocess.Popen(
        argv,
        env=dict(environ),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=True,
        process_group=None if windows else 0,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
