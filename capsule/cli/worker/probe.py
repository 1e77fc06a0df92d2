"""Where a worker listens for commands, and whether one does that would take ours."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from capsule.cli.handover import ACCEPTED, NAME, message, socket_path
from capsule.namedtuples import NamedTuple

_PATIENCE = 2.0
_LONGEST_VERSION = 100


class Listener(NamedTuple):
    """A worker that listens: whether it takes commands from here, else its version.

    The version is empty where it does not say it.
    """

    takes: bool
    version: str = ""


def listening_place(home: Path) -> Path:
    """Return where `run` and `exec` look for a worker; `home` is the state root."""
    # Where it cannot be said without looking, those who hand over look at `CAPSULE_SOCKET` alone.
    return Path(socket_path(os.environ) or home / NAME).absolute()


def listener(path: Path) -> Listener | None:
    """Ask the worker at `path` whether it would take a command; None when none answers.

    Nothing runs: a command begins when the one who handed it over says to go on, which is not said.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            connection.connect(str(path))
            connection.sendall(message(["run", "-"]))
            answer = connection.recv(1)
        except OSError:
            return None
        if answer in (b"", ACCEPTED):
            return Listener(takes=True) if answer else None
        said = b""
        with suppress(OSError):
            while len(said) < _LONGEST_VERSION and (more := connection.recv(_LONGEST_VERSION)):
                said += more
    return Listener(takes=False, version=said.decode(errors="replace"))
