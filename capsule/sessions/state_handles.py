"""States that outlive their session: a private file for each, under a name that nobody can guess.

Whoever has the name, the handle, has the state: all that was in memory. Several programs may keep
states in the same home at once; each is written whole, and never changed.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from capsule.errors import ToolchainError
from capsule.namedtuples import NamedTuple
from capsule.sessions import state_file
from capsule.sessions.state_file import StateError
from capsule.sessions.state_memory import rebased
from capsule.snapshot.image_contents import ImageContents
from capsule.toolstore import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.sessions.session_base import SessionBase
    from capsule.sessions.state_file import Contents

Of = TypeVar("Of")

FOLDER = "states"
# Seconds since its last use, bytes of all, and how many there are at most.
MOST_AGE, MOST_BYTES, MOST_STATES = 7 * 24 * 3600.0, 2 << 30, 1_000
_HANDLE = re.compile(r"[0-9a-f]{32}\Z")
_ENDING = ".state"
# How old is what was left by a writer that was killed, in seconds.
_LEFT = 600.0
# How a state says what its pages differ from: where that lies in the cache, and what it is.
_BASE = re.compile(r"([a-z]+/[0-9a-f]{32}/[a-z0-9_.-]+) ([0-9]+) ([0-9]+)\Z")


class _Kept(NamedTuple):
    used: float
    size: int
    path: Path


class StateHandles:
    """The states in a home, by handle. Usable from any thread, and by many programs at once.

    States go that were not used for `most_age` seconds, and those whose use is longest ago where
    all have more than `most_bytes`, or are more than `most_states`.
    """

    def __init__(
        self,
        home: Path,
        *,
        most_bytes: int = MOST_BYTES,
        most_age: float = MOST_AGE,
        most_states: int = MOST_STATES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._home, self._folder = home, home / FOLDER
        self._most_bytes, self._most_age, self._most_states = most_bytes, most_age, most_states
        self._now = now

    def __repr__(self) -> str:
        return f"<StateHandles in {self._folder}>"

    def keep(self, state: Contents, base: SessionBase) -> str:
        """Keep a state whose pages differ from `base`, and return its handle.

        Raises `StateError` for one that is larger than all may be, `ToolchainError` where it cannot
        be written.
        """
        pieces = state_file.encode(state._replace(base=_identity(base, self._home)))
        size = sum(map(len, pieces))
        if size > self._most_bytes:
            raise StateError(f"a state of {size:,} bytes is more than {self._most_bytes:,}")
        handle = secrets.token_hex(16)
        with files.writing(self._folder):
            files.make_private(self._folder)
            state_file.write_whole(self._path(handle), pieces)
            self._make_room(self._path(handle))
        return handle

    def load(self, handle: str) -> Contents:
        """Return a state, as it was kept. Raises `StateError` where there is none any more."""
        return self._used(handle, state_file.read)

    def file(self, handle: str, name: str, most: int) -> bytes | None:
        """Return a file of a state, None where there is none, or it is a folder.

        Raises `StateError` where there is no such state any more, or the file has more than `most`
        bytes.
        """
        if name.endswith("/"):
            return None
        inside = f"{state_file.PLACES[0]}/{name}"
        return self._used(handle, lambda path: state_file.read_one(path, inside, most))

    def listed(self) -> list[tuple[Path, int, float]]:
        """Return the file of each, its size in bytes, and its last use in seconds since 1970."""
        found = []
        for path in self._folder.glob(f"*{_ENDING}"):
            with suppress(OSError):
                status = path.stat()
                found.append((path, status.st_size, status.st_mtime))
        return found

    def _used(self, handle: str, read: Callable[[Path], Of]) -> Of:
        path = self._path(handle)
        try:
            if self._now() - path.stat().st_mtime > self._most_age:
                raise self._gone(handle)
            with suppress(OSError):
                os.utime(path)
        except OSError:
            raise self._gone(handle) from None
        try:
            return read(path)
        except StateError:
            if not path.exists():  # another program has made room meanwhile
                raise self._gone(handle) from None
            raise

    def fitted(self, state: Contents, base: SessionBase) -> Contents:
        """Return a loaded state with pages that differ from `base`.

        Raises `StateError` where what they differed from is no longer there.
        """
        mine = base.order.inputs.base.runtime.interpreter
        if state.interpreter != mine:
            raise StateError(
                f"this state was made by the interpreter {state.interpreter}, and this is {mine}",
                hint="begin anew, without a state",
            )
        key = base.order.inputs.base.key
        if state.base == _identity(base, self._home):
            return state._replace(base=key)
        before = self._image_of(state)
        if before is None:
            raise StateError(
                "what this state builds on is no longer in the cache, or was made anew",
                hint="begin anew, without a state",
            )
        return rebased(base, state, before.read)

    def _image_of(self, state: Contents) -> ImageContents | None:
        """Return the memory that a state differs from, if it is there still."""
        if (found := _BASE.match(state.base)) is None:
            return None
        image = self._home / "cache" / found[1]
        try:
            status = image.stat()
            if (status.st_size, status.st_mtime_ns) != (int(found[2]), int(found[3])):
                return None
            return ImageContents(image)
        except (OSError, ToolchainError):
            return None

    def _make_room(self, newest: Path) -> None:
        now = self._now()
        kept: list[_Kept] = []
        for entry in os.scandir(self._folder):
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                path = Path(entry.path)
                most = {_ENDING: self._most_age, state_file.UNFINISHED: _LEFT}.get(path.suffix)
                if most is not None and now - status.st_mtime > most and path != newest:
                    path.unlink()
                elif path.suffix == _ENDING:
                    kept.append(_Kept(status.st_mtime, status.st_size, path))
        size, count = sum(one.size for one in kept), len(kept)
        for one in sorted(kept):
            if size <= self._most_bytes and count <= self._most_states:
                return
            if one.path != newest:
                with suppress(OSError):
                    one.path.unlink(missing_ok=True)
                size, count = size - one.size, count - 1

    def _path(self, handle: str) -> Path:
        if not _HANDLE.match(handle):
            raise StateError(
                "that is no handle of a state: they are 32 letters and digits",
                hint="state as an earlier answer gave it, or none to begin anew",
            )
        return self._folder / f"{handle}{_ENDING}"

    def _gone(self, handle: str) -> StateError:
        days, size = int(self._most_age // 86_400), self._most_bytes >> 20
        return StateError(
            f"there is no state {handle}: it never was, or it is gone (states go {days} days after"
            f" their last use, and the oldest of them where all have more than {size:,} MB)",
            hint="begin anew, without a state, and make what is needed again",
        )


def _identity(base: SessionBase, home: Path) -> str:
    """Return what the pages of a state differ from: an image in the cache, as it is now."""
    image = base.choice.snapshot.image
    status = image.stat()
    place = image.relative_to(home / "cache").as_posix()
    return f"{place} {status.st_size} {status.st_mtime_ns}"
