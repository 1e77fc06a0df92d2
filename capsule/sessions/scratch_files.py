"""The files of a session's folders: put there before a turn, and looked at behind it."""

from __future__ import annotations

import os
import time

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.sessions.state_file import MOST_FILES, PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from capsule.confine.scratch import Scratch

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
    """Write files into the folders of a process; return what they look like.

    What is mounted stays: `hidden` is that, by its absolute path inside.
    """
    roots = _roots(scratch)
    if not files:
        return {}
    # A file that a turn writes has another time of change for certain, whatever the steps are in
    # which the clock of a file system moves.
    past = time.time_ns() - _EARLIER
    for name, content in files.items():
        place, _, rest = name.partition("/")
        if place == PLACES[0] and f"/{rest}" in hidden:
            continue
        path = roots[place] / rest
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(past, past))
    scratch.allow(len(files), sum(map(len, files.values())))
    return {name: status for name, _, status in _walk(scratch, hidden)}


def look(scratch: Scratch, hidden: frozenset[str]) -> dict[str, tuple[Path, Signature]]:
    """Return the files that are there; `hidden` is what is mounted in `/`."""
    return {name: (path, status) for name, path, status in _walk(scratch, hidden)}


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
    """Return the content of files; of those that are as they were `before`, it is `known`."""
    if sum(status[1] for _, status in files.values()) > MOST_FILES:
        raise WireError(f"its files would be larger than {MOST_FILES >> 20} MB")
    found = {}
    for name, (path, status) in files.items():
        same = name in known and before.get(name) == status
        if name.endswith("/"):
            found[name] = b""
        else:
            found[name] = known[name] if same else path.read_bytes()
    return found


def _walk(scratch: Scratch, hidden: frozenset[str]) -> Iterator[tuple[str, Path, Signature]]:
    for place, root in _roots(scratch).items():
        unseen = hidden if place == PLACES[0] else ()
        pending = [""]
        while pending:
            inside = pending.pop()
            empty = True
            for entry in _entries(f"{root}{os.sep}{inside}"):
                name, is_folder = f"{inside}{entry.name}", entry.is_dir()
                is_seen = f"/{name}" not in unseen
                empty = empty and is_folder and not is_seen
                if is_folder:
                    # The guard lets no links be made.
                    if is_seen and not entry.is_symlink():
                        pending.append(f"{name}/")
                elif is_seen:
                    path = root / name
                    status = path.lstat()
                    signature = (
                        status.st_ino,
                        status.st_size,
                        status.st_mtime_ns,
                        status.st_ctime_ns,
                    )
                    yield f"{place}/{name}", path, signature
            if inside and empty:
                # A folder, of which the time of change is of no interest.
                yield f"{place}/{inside}", root / inside, (0, 0, 0, 0)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    # Most turns have no files: objects for paths, as `os.walk` makes, would take most of the time.
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise WireError(f"a folder of the session cannot be read: {error.strerror}") from None


def _roots(scratch: Scratch) -> dict[str, Path]:
    return dict(zip(PLACES, (scratch.working, scratch.temporary), strict=True))
