"""Running the command as a user does: in a pipe or on a terminal."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

# What ends a command from outside, each.
ENDING: tuple[signal.Signals, ...]
if sys.platform == "win32":
    # The other event of a console, Ctrl-C, reaches no process group that was made for itself.
    ENDING = (signal.CTRL_BREAK_EVENT,)
else:
    ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_SECONDS = 120
_OF_WINDOWS = ("SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA")
REPOSITORY = Path(__file__).parents[2]


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Command:
    """`capsule` in a folder, with a home; `environ` is added to a small environment."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.environ = {
            "CAPSULE_HOME": str(home),
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "user"),
            "PYTHONPATH": str(REPOSITORY),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            # Without some of these, Windows starts nothing that uses its libraries.
            **{name: os.environ[name] for name in _OF_WINDOWS if name in os.environ},
        }

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def popen(self, *words: str, **options: object) -> subprocess.Popen[bytes]:
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            **options,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "capsule", *words],
            cwd=self.folder,
            env=self.environ,
            **settings,
        )

    def __call__(self, *words: str, stdin: str | bytes = b"") -> Done:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        with self.popen(*words, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(data, timeout=_SECONDS)
        assert b"Traceback (most recent call last)" not in err, err.decode()
        return Done(process.returncode, out.decode(), err.decode())

    def on_terminal(self, *words: str, columns: int = 80, typed: bytes = b"") -> Done:
        """Run with all streams on one terminal; what it shows is in `out`.

        `typed` waits for whoever reads: b"\\x04" is an end.
        """
        mine, theirs = pty.openpty()
        os.write(mine, typed)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        try:
            with self.popen(*words, stdin=theirs, stdout=theirs, stderr=theirs) as process:
                os.close(theirs)
                theirs = -1
                shown = _read_terminal(mine)
                code = process.wait(_SECONDS)
        finally:
            os.close(mine)
            if theirs >= 0:
                os.close(theirs)
        return Done(code, shown.decode().replace("\r\n", "\n"), "")


def _read_terminal(descriptor: int) -> bytes:
    shown = bytearray()
    while select.select([descriptor], [], [], _SECONDS)[0]:
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not data:
            break
        shown += data
    return bytes(shown)
