"""Running the command as a user does: in a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import NamedTuple

_SECONDS = 120
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
        }

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def popen(self, *words: str, **options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "-m", "capsule", *words],
            cwd=self.folder,
            env=self.environ,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
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
