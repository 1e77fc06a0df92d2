"""The files of a session's folders: put there before a turn, and looked at behind it."""

from __future__ import annotations

import os
import stat
import time

from capsule.confine.nofollow import create_below, create_folder_below, open_below
from capsule.confine.scratch import WORKING
from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.sessions.state_file import MOST_FILES, PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from capsule.confine.scratch import Scratch

_BY_DESCRIPTOR = os.utime in os.supports_fd
# In nanoseconds: ten seconds.
_EARLIER = 10_000_000_000
# When a file was changed, and its size: what a task cannot have both as they were, by accident.
Signature = tuple[int, int, int, int]


class FileChange(NamedTuple):
    """A file of the working folder: `change` is "new", "changed" or "gone"; `size` is in bytes."""

    name: str
    size: int
    change: str


def lay_out(
    scratch: Scratch, files: Mapping[str, bytes], hidden: frozenset[str]
) -> dict[str, Signature]:
    """Write files into the folders of a process; return what is in them then.

    What is mounted stays: `hidden` is that, by its absolute path inside. Raises `OSError`, with the
    name of what cannot be made: nothing of a project's view is replaced, and none of its links is
    followed.
    """
    roots = _roots(scratch)
    if not files and WORKING not in hidden:
        return {}
    # A file that a turn writes has another time of change for certain, whatever the steps are in
    # which the clock of a file system moves.
    past = time.time_ns() - _EARLIER
    for name, content in files.items():
        place, _, rest = name.partition("/")
        if place == PLACES[0] and f"/{rest}" in hidden:
            continue
        try:
            _make(roots[place], rest, content, past)
        except OSError as error:
            error.filename = rest
            raise
    scratch.allow(len(files), sum(map(len, files.values())))
    return {name: status for name, _, status in _walk(scratch, hidden)}


def _make(root: Path, name: str, content: bytes, changed: int) -> None:
    if name.endswith("/"):
        create_folder_below(root, name.removesuffix("/"))
        return
    with create_below(root, name) as file:
        file.write(content)
        file.flush()
        os.utime(file.fileno() if _BY_DESCRIPTOR else root / name, ns=(changed, changed))


def look(scratch: Scratch, hidden: frozenset[str]) -> dict[str, tuple[Path, Signature]]:
    """Return the files that are there, with the folder that each is below.

    `hidden` is what is mounted in `/`.
    """
    return {name: (root, status) for name, root, status in _walk(scratch, hidden)}


def changes(
    before: Mapping[str, Signature], after: Mapping[str, tuple[Path, Signature]]
) -> list[FileChange]:
    """Return what a turn did to the files of the working folder, in order of their names."""
    found = []
    begin = f"{PLACES[0]}/"
    for name, (_, status) in after.items():
        if name.startswith(begin) and not name.endswith("/") and before.get(name) != status:
            how = "changed" if name in before else "new"
            found.append(FileChange(name.removeprefix(begin), status[1], how))
    gone = [
        name
        for name in before.keys() - after.keys()
        if name.startswith(begin) and not name.endswith("/")
    ]
    found += [FileChange(name.removeprefix(begin), 0, "gone") for name in gone]
    return sorted(found)


def read(
    files: Mapping[str, tuple[Path, Signature]],
    known: Mapping[str, bytes],
    before: Mapping[str, Signature],
) -> dict[str, bytes]:
    """Return the content of files; of those that are as they were `before`, it is `known`.

    What was there before and is not known is of the view of a project, which each turn has anew.
    Raises `WireError` for too much.
    """
    found, size = {}, 0
    for name, (root, status) in files.items():
        same = before.get(name) == status
        if same and name not in known:
            continue
        size += status[1]
        if size > MOST_FILES:
            raise WireError(f"its files would be larger than {MOST_FILES >> 20} MB")
        if name.endswith("/"):
            found[name] = b""
        elif same:
            found[name] = known[name]
        else:
            try:
                with open_below(root, name.partition("/")[2]) as file:
                    found[name] = file.read()
            except OSError as error:
                raise WireError(f"{name!r} cannot be kept: {error.strerror}") from None
    return found


def _walk(scratch: Scratch, hidden: frozenset[str]) -> Iterator[tuple[str, Path, Signature]]:
    for place, root in _roots(scratch).items():
        unseen = hidden if place == PLACES[0] else ()
        pending = [""]
        while pending:
            inside = pending.pop()
            empty = True
            for entry in _entries(f"{root}{os.sep}{inside}"):
                name, is_folder = f"{inside}{entry.name}", entry.is_dir(follow_symlinks=False)
                is_seen = f"/{name}" not in unseen
                empty = empty and is_folder and not is_seen
                if is_folder:
                    if is_seen:
                        pending.append(f"{name}/")
                elif is_seen:
                    status = _status(entry)
                    if not stat.S_ISREG(status.st_mode):
                        # A link of the project's: the guard lets none be made.
                        continue
                    signature = (
                        status.st_ino,
                        status.st_size,
                        status.st_mtime_ns,
                        status.st_ctime_ns,
                    )
                    yield f"{place}/{name}", root, signature
            if inside and empty:
                # A folder, of which the time of change is of no interest.
                yield f"{place}/{inside}", root, (0, 0, 0, 0)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    # Most turns have no files: objects for paths, as `os.walk` makes, would take most of the time.
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise WireError(f"a folder of the session cannot be read: {error.strerror}") from None


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    try:
        return os.lstat(entry.path)
    except OSError as error:
        # Its path is the host's, and may be too long there.
        raise WireError(f"a file of the session cannot be kept: {error.strerror}") from None


def _roots(scratch: Scratch) -> dict[str, Path]:
    return dict(zip(PLACES, (scratch.working, scratch.temporary), strict=True))
