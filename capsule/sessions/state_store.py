"""The states of a session on the disk: each a file of its own, gone with the last that uses them.

They lie in the cache, where they are listed, and pruned by age and size like all else when nobody
uses them. What a program has left that was killed is deleted when the next session is opened.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from threading import Lock

from capsule.errors import ToolchainError
from capsule.sessions import state_file
from capsule.sessions.state_file import StateError
from capsule.toolstore import files, toolchain_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.sessions.state_file import Contents

FOLDER = "cache/sessions"
# The file that bears the time of the last use: see `capsule.snapshot.eviction`.
_STAMP = "stamp"
_NAME = 32
# Of making a folder, while others open sessions and delete what nobody uses.
_TRIES = 1_000
# What the states of one session and its forks take at most: the oldest go then, but the first.
MOST_BYTES = 2 << 30


class StateStore:
    """A private folder with the states of a session and of its forks.

    Each that uses it calls `hold`, and `release` once: with the last, all is deleted.
    """

    def __init__(self, home: Path, most: int = MOST_BYTES) -> None:
        store = files.make_private(home / FOLDER)
        _collect(store)
        self._folder, self._lease = _made_in(store)
        (self._folder / _STAMP).touch(mode=0o600)
        self._lock = Lock()
        self._users = 0
        self._most = most
        self._sizes: dict[str, int] = {}
        self._pinned: dict[int, str] = {}

    def __repr__(self) -> str:
        return f"<StateStore {self._folder}>"

    def hold(self) -> None:
        """Use it."""
        with self._lock:
            self._users += 1

    def pin(self, user: object, name: str) -> None:
        """Say where a user stands: that state stays, however many there are."""
        with self._lock:
            self._pinned[id(user)] = name

    def release(self, user: object = None) -> None:
        """Use it no more."""
        with self._lock:
            self._pinned.pop(id(user), None)
            self._users -= 1
            last = self._users == 0
        if last:
            # Before: on Windows it keeps its holder from that, too.
            self._lease.release()
            toolchain_lock.delete_unused(self._folder)

    def write(self, state: Contents, name: str | None = None) -> str:
        """Keep a state and return its name, which nobody can guess, or in place of one of `name`.

        Raises `StateError` for one that is larger than all may be, `ToolchainError` where it cannot
        be written.
        """
        pieces = state_file.encode(state)
        size = sum(map(len, pieces))
        if size > self._most:
            raise StateError(f"a state of {size:,} bytes is more than {self._most:,}")
        name = name or new_name()
        with files.writing(self._folder):
            state_file.write_whole(self._path(name), pieces)
            files.note_use(self._folder / _STAMP)
        with self._lock:
            self._sizes[name] = size
            self._make_room(name)
        return name

    def read(self, name: str) -> Contents:
        """Return a state. Raises `StateError` where there is none of that name."""
        path = self._path(name)
        if not path.is_file():
            raise StateError(f"there is no state {name!r} of this session", hint="session.states")
        return state_file.read(path)

    def has(self, name: str) -> bool:
        """Say whether a state is there still."""
        return name in self._sizes

    def _make_room(self, newest: str) -> None:
        for name in list(self._sizes)[1:]:
            if sum(self._sizes.values()) <= self._most or name == newest:
                return
            if name in self._pinned.values():
                continue
            self._path(name).unlink(missing_ok=True)
            del self._sizes[name]

    def _path(self, name: str) -> Path:
        if len(name) != _NAME or not name.isalnum():
            raise StateError(f"{name!r} is no name of a state", hint="session.states")
        return Path(self._folder, f"{name}.state")


def new_name() -> str:
    """Return a name for a state, which nobody can guess."""
    return secrets.token_hex(_NAME // 2)


def _made_in(store: Path) -> tuple[Path, toolchain_lock.Lease]:
    """Return a new folder, and what keeps it."""
    for _ in range(_TRIES):
        folder = store / secrets.token_hex(_NAME // 2)
        folder.mkdir(mode=0o700)
        # Whoever opens a session at the same time may take it for one that nobody uses.
        if (lease := toolchain_lock.lease(folder)) is not None:
            return folder, lease
    raise ToolchainError(f"{store}: what is made there is deleted", hint="open the session again")


def _collect(store: Path) -> None:
    """Delete what nobody uses any more: a program that was killed could not, or not to the end."""
    for folder in [path for path in store.iterdir() if path.is_dir()]:
        if len(folder.name) == _NAME or folder.name.startswith(files.UNFINISHED):
            toolchain_lock.delete_unused(folder)
