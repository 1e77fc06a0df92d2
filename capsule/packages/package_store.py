"""Unpacked packages that are kept, each set in a folder named by the digest of its content.

A folder is put in place whole. Beside it lie an index of size and SHA-256 of every file, which the
digest vouches for, and a stamp made of the stat signatures of all. As long as the stamp is right,
nothing was touched and nothing is hashed.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

from capsule.namedtuples import NamedTuple
from capsule.toolstore import files, toolchain_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from capsule.progress import Progress

SITE = "site"
_ASKED = ".asked"
_INDEX = "index.json"
_STAMP = "stamp"
# Hex digits of a digest that name its folder.
_NAME = 32


class File(NamedTuple):
    """The content of a file that was written."""

    size: int
    sha256: str


class Damage(NamedTuple):
    """A file that is not what was unpacked."""

    path: Path
    found: str


def folder_of(store: Path, digest: str) -> Path:
    """Return where the content of this digest lies."""
    return store / digest[:_NAME]


def digest_of(content: Mapping[str, tuple[int, str]]) -> str:
    """Return the SHA-256 over paths, sizes and hashes: the same on every machine."""
    import hashlib

    hasher = hashlib.sha256()
    for path, (size, sha256) in sorted(content.items()):
        hasher.update(f"{path}\0{size}\0{sha256}\n".encode())
    return hasher.hexdigest()


@contextmanager
def making(
    store: Path, name: str, progress: Progress, watch: Callable[[], None] | None = None
) -> Iterator[AbstractContextManager[Path]]:
    """Let nobody else make what `name` stands for; give a new folder to do it in, when entered.

    It waits for who does, until `watch` raises. Nobody waits who makes something else. Raises
    `OSError`.
    """
    guard = store / f"{name}{_ASKED}"
    with toolchain_lock.locked(guard, progress, watch):
        try:
            yield files.unfinished(store, name)
        finally:
            # Whoever waits for it sees that it is gone, and makes another.
            with suppress(OSError):
                guard.unlink()


def finish(made: Path, content: Mapping[str, File]) -> None:
    """Write index and stamp beside the files that were unpacked to `made`/site."""
    files.write_whole(made / _INDEX, json.dumps(content, sort_keys=True).encode())
    files.write_whole(made / _STAMP, _stamp(made / SITE))


def put(made: Path, store: Path, digest: str, progress: Progress) -> None:
    """Move a finished folder to its place in `store`, unless its content is there already.

    Then `made` is left where it is. Raises `OSError`.
    """
    target = folder_of(store, digest)
    # Whoever deletes entries holds the same lock while it does.
    with toolchain_lock.locked(target.with_name(f"{target.name}{files.LOCK}"), progress):
        # A task may be running from it.
        if not isinstance(look(target, digest), Path):
            size = sum(files.sizes(made / SITE))
            files.delete(target)
            made.rename(target)
            files.note_growth(store.parent, size)


def look(folder: Path, digest: str) -> Path | Damage | None:
    """Return the folder of files, what is wrong with them, or None when there are none."""
    site = folder / SITE
    try:
        if (folder / _STAMP).read_bytes() == _stamp(site):
            files.note_use(folder / _STAMP)
            return site
    except FileNotFoundError:
        if not folder.is_dir():
            return None
    except OSError as error:
        return Damage(folder, str(error.strerror))
    damage = _compared(folder, digest)
    if damage is None:
        _renew_stamp(folder)
        return site
    return damage


def _compared(folder: Path, digest: str) -> Damage | None:
    """Hash every file: a copied or restored folder is as good as the first."""
    index = folder / _INDEX
    try:
        known = {
            str(path): (int(size), str(sha256))
            for path, (size, sha256) in json.loads(index.read_bytes()).items()
        }
        if digest_of(known) != digest:
            return Damage(index, "its content is not what its digest says")
        seen = {path for path, _ in _scan(folder / SITE)}
        for path in sorted(seen ^ known.keys()):
            what = "it is gone" if path in known else "nothing is known of it"
            return Damage(folder / SITE / path, what)
        for path, expected in known.items():
            found = _hashed(folder / SITE / path)
            if found != expected:
                return Damage(folder / SITE / path, f"{found[0]} bytes, SHA-256 {found[1][:12]}...")
    except FileNotFoundError as error:
        return Damage(Path(error.filename), "it is gone")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        return Damage(index, f"{type(error).__name__}: {error}")
    return None


def _renew_stamp(folder: Path) -> None:
    """Spare the next start the hashing, if this home can be written."""
    try:
        # Two that do this at once write the same.
        files.write_whole(folder / _STAMP, _stamp(folder / SITE))
    except OSError:
        return


def _hashed(path: Path) -> tuple[int, str]:
    import hashlib

    if not stat.S_ISREG(path.lstat().st_mode):
        return (0, "of no file")
    with path.open("rb") as file:
        hashed = hashlib.file_digest(file, "sha256").hexdigest()
        return (os.fstat(file.fileno()).st_size, hashed)


def _stamp(site: Path) -> bytes:
    """Return a hash over path, type, size, times and inode of every file."""
    import hashlib

    lines = [
        f"{path}\0{s.st_mode}\0{s.st_size}\0{s.st_mtime_ns}\0{s.st_ctime_ns}\0{s.st_ino}"
        for path, s in _scan(site)
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="replace")).hexdigest().encode()


def _scan(site: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and status of all below a folder that is no folder itself."""
    # Strings, since this is on the way of every start.
    top, pending = str(site), [""]
    while pending:
        below = pending.pop()
        with os.scandir(f"{top}/{below}") as entries:
            for entry in entries:
                path = f"{below}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{path}/")
                else:
                    # On Windows an entry's own status has no inode and no ctime.
                    status = entry.stat(follow_symlinks=False)
                    yield path, os.lstat(entry.path) if os.name == "nt" else status
