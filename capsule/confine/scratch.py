"""The private folders of a run, `/` and `/tmp`: empty, writable, bounded, and gone afterwards.

The guard lets no more be written than they may hold: a write beyond is refused, as by a disk that
is full. Behind it, the folders are looked at while the run goes on: whoever is clearly above a
bound by then got past the guard, and is ended.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import contextmanager, suppress
from functools import lru_cache

from capsule.confine import scratch_reserve
from capsule.confine.nofollow import create_below
from capsule.errors import PolicyError
from capsule.message_text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

WORKING = "/"
TEMPORARY = "/tmp"  # noqa: S108 - inside the sandbox
# What they are called on the host.
WORKING_NAME, TEMPORARY_NAME = "working", "temporary"
_BOTH = f"{WORKING} and {TEMPORARY}"
MAX_FILE = 128 << 20
MAX_BYTES = 256 << 20
MAX_ENTRIES = 10_000
MAX_DEPTH = 64
# What is looked at counts more than the guard does: folders have a size, and the mounted are there.
_SLACK = 1.25
# Seconds between two looks; a fast disk takes some 100 MB in that time.
INTERVAL = 0.1
# A folder that is just being made or deleted may be any error on Windows, for a moment.
_TRIES = 20 if os.name == "nt" else 1


class TooMuchError(Exception):
    """Raised when the folder is above a bound; the text says which."""


class Scratch:
    """The two folders of a run; `path` is where they lie on the host.

    The sandbox sees `working` as `/`, its working folder, and `temporary` as `/tmp`. `next_look` is
    when `overflow` looks again, in the seconds of `time.monotonic`. `at_end` is what has to be done
    when the task is over; what comes back is what could not be, in words.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.working, self.temporary = _inside(path)
        self.next_look = time.monotonic() + INTERVAL
        self.at_end: list[Callable[[], str | None]] = []
        self._allowed = 0, 0
        self._copies: list[tuple[Path, int, int]] = []

    def __repr__(self) -> str:
        return f"Scratch({str(self.path)!r})"

    def begin(self) -> None:
        """Have it looked at an interval after now, when code begins to run that may write here."""
        self.next_look = time.monotonic() + INTERVAL

    def show(self, guest: str) -> None:
        """Have a folder that is mounted at the absolute path `guest` be listed in the one above.

        What stands there is empty: the mount hides it. Raises `PolicyError` where something else
        than a folder is in its place.
        """
        place = self.working
        for name in guest.split("/"):
            if not name:
                continue
            place /= name
            # What the view of a project has there may be a link, a file, or closed.
            with suppress(OSError):
                place.mkdir(mode=0o700)
            if not (os.path.lexists(place) and stat.S_ISDIR(place.lstat().st_mode)):
                raise PolicyError(
                    f"nothing can be mounted at {printable(guest)}: what the project has there is"
                    " no folder that could take it",
                    hint="--mount PATH::GUEST with another place",
                )

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files into the working folder, by their paths in it, for the task to find.

        Nothing that is there is replaced, and no link is followed: what the project has there may
        be one. Raises `PolicyError` where a file cannot be put.
        """
        folders: set[str] = set()
        for name, content in files.items():
            above = name.split("/")[:-1]
            folders.update("/".join(above[:depth]) for depth in range(1, len(above) + 1))
            try:
                with create_below(self.working, name) as file:
                    file.write(content)
            except OSError as error:
                raise PolicyError(
                    f"the file {printable(name)} cannot be put into the working folder:"
                    f" {error.strerror}",
                    hint="another name in files=",
                ) from None
        self.allow(len(folders) + len(files), sum(map(len, files.values())))

    def allow(self, entries: int, size: int) -> None:
        """Leave out of account what has been put into the folders for the task to read."""
        self._allowed = self._allowed[0] + entries, self._allowed[1] + size

    def watch(self, copy: Path) -> None:
        """Count what is added to `copy` as well, a folder with copies of files."""
        sizes = list(_walk(copy, None))
        self._copies.append((copy, len(sizes), sum(sizes)))

    def settle(self) -> list[str]:
        """Do what has to be done when the task is over, once; return what could not be."""
        todo, self.at_end = self.at_end, []
        return [said for done in todo if (said := done()) is not None]

    def overflow(self, pid: int) -> str | None:
        """Say which bound the folder is above, if any; it is looked at every `INTERVAL`.

        Files that process `pid` has deleted and holds open count as well.
        """
        now = time.monotonic()
        if now < self.next_look:
            return None
        try:
            return self._look(_deleted(pid))
        except TooMuchError as overflow:
            return str(overflow)
        finally:
            # A large copy takes a while to look at: no more than half of the time goes there.
            done = time.monotonic()
            self.next_look = done + max(INTERVAL - (done - now), done - now)

    def _look(self, size: int) -> str | None:
        entries = 0
        for folder, allowed_entries, allowed_size in [(self.path, *self._allowed), *self._copies]:
            entries -= allowed_entries
            size -= allowed_size
            # The two lie in `path`, one deeper than what the sandbox sees.
            depth = MAX_DEPTH + 1 if folder == self.path else None
            for found in _walk(folder, depth):
                entries += 1
                size += found
                if entries > MAX_ENTRIES * _SLACK:
                    return f"{_BOTH} hold more than {MAX_ENTRIES:,} files and folders"
        return f"{_BOTH} hold more than {MAX_BYTES >> 20} MB" if size > MAX_BYTES * _SLACK else None


@lru_cache
def _inside(path: Path) -> tuple[Path, Path]:
    """Return the two folders; those of the runs before are the same, as they are used again."""
    return path / WORKING_NAME, path / TEMPORARY_NAME


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Give the empty folders of a run, and delete afterwards all that is in them.

    Raises `ToolchainError` when there is no place for it.
    """
    folders = scratch_reserve.take() or scratch_reserve.Folders(WORKING_NAME, TEMPORARY_NAME)
    try:
        yield Scratch(folders.path)
    finally:
        scratch_reserve.give_back(folders)


def _walk(folder: Path, deepest: int | None) -> Iterator[int]:
    """Yield the size of everything below `folder`; what goes away meanwhile is left out.

    Raises `TooMuchError` where folders nest too deep, or have names that no path can hold.
    """
    pending = [(os.fspath(folder), 0)]
    while pending:
        path, depth = pending.pop()
        if deepest is not None and depth > deepest:
            raise TooMuchError(f"{_BOTH} have folders that are more than {deepest - 1} deep")
        try:
            with _opened(path) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        yield entry.stat(follow_symlinks=False).st_size
                        if entry.is_dir(follow_symlinks=False):
                            pending.append((entry.path, depth + 1))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise TooMuchError(f"{_BOTH} cannot be looked at: {error.strerror}") from None


def _opened(path: str) -> os._ScandirIterator[str]:
    for left in reversed(range(_TRIES)):
        try:
            return os.scandir(path)
        except FileNotFoundError:
            raise
        except OSError:
            if not left:
                raise
    raise AssertionError


def _deleted(pid: int) -> int:
    """Return the size of the files that a process has open and that have no name any more."""
    if sys.platform != "linux":
        return 0
    size = 0
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat()
                size += status.st_size if not status.st_nlink else 0
    return size
