"""The states of a session on the disk: each a file of its own, gone with the last that names it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from threading import Lock

from capsule.sessions import state_file
from capsule.sessions.state_file import StateError
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.sessions.state_file import Contents

FOLDER = "sessions"


class StateStore:
    """A private folder with the states of a session and of its forks.

    Each that uses it calls `hold`, and `release` once: with the last, all is deleted.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER / secrets.token_hex(16)
        files.make_private(self._folder.parent)
        self._folder.mkdir(mode=0o700)
        self._lock = Lock()
        self._users = 0

    def __repr__(self) -> str:
        return f"<StateStore {self._folder}>"

    def hold(self) -> None:
        """Use it."""
        with self._lock:
            self._users += 1

    def release(self) -> None:
        """Use it no more."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last:
            files.delete(self._folder)

    def write(self, state: Contents) -> str:
        """Keep a state and return its name, which nobody can guess."""
        name = secrets.token_hex(16)
        path = self._path(name)
        with files.writing(self._folder):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(state_file.encode(state))
        return name

    def read(self, name: str) -> Contents:
        """Return a state. Raises `StateError` where there is none of that name."""
        path = self._path(name)
        if not path.is_file():
            raise StateError(f"there is no state {name!r} of this session", hint="session.states")
        return state_file.read(path)

    def _path(self, name: str) -> Path:
        if len(name) != 32 or not name.isalnum():
            raise StateError(f"{name!r} is no name of a state", hint="session.states")
        return Path(self._folder, f"{name}.state")
