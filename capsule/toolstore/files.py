"""Folders and files of the store: private, read-only, put in place whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from capsule import paths
from capsule.errors import ToolchainError, hint_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType]

PRIVATE = 0o700
DATA = 0o444
PROGRAM = 0o555

# What begins the name of a folder that is being made, or deleted; and what ends that of the file
# that is locked while an entry of a cache is put in place or deleted.
UNFINISHED = ".new-"
LOCK = ".lock"
# The sizes of what was added to a cache since it was pruned, behind what it had then.
GROWTH = "growth"
_STALE = 15.0
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an `OSError` of the work inside into a `ToolchainError` that names `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ToolchainError(
                f"no space is left in {folder}",
                hint="free 1 GB there, or set CAPSULE_HOME to a folder on another disk",
            ) from error
        raise ToolchainError(
            f"cannot write to {folder}: {error.strerror or error}"
            + (f" ({error.filename})" if error.filename else ""),
            hint=hint_of(error, "set CAPSULE_HOME to a folder that you can write to"),
        ) from error


@contextmanager
def reading(path: Path, *, hint: str = "capsule toolchain install") -> Iterator[None]:
    """Turn an `OSError` of the work inside into a `ToolchainError` that names `path`."""
    try:
        yield
    except OSError as error:
        raise ToolchainError(
            f"cannot read {path}: {error.strerror or error}", hint=hint_of(error, hint)
        ) from error


def make_private(folder: Path) -> Path:
    """Make `folder`, and take it away from others: what lies in it runs as native code."""
    paths.make_private(folder)
    if stat.S_IMODE(folder.stat().st_mode) != PRIVATE:
        folder.chmod(PRIVATE)
    return folder


def place(made: Path, target: Path, mode: int = DATA) -> None:
    """Move a finished file to its place in one step, safely on the disk, with these mode bits."""
    with made.open("rb+") as file:
        # A record that outlives a power cut would vouch for a file whose bytes did not.
        os.fsync(file.fileno())
    made.chmod(mode)
    make_private(target.parent)
    if os.name == "nt" and target.exists():
        target.chmod(stat.S_IWRITE)  # Windows does not replace a read-only file
    made.replace(target)


def write_whole(target: Path, content: bytes) -> None:
    """Write a small file so that a reader sees the old content or the new, never a part.

    Whoever writes `target` holds a lock: the file that grows beside it always has the same name, so
    that what a killed writer leaves is overwritten by the next.
    """
    temporary = target.with_name(f"{target.name}.new")
    try:
        # Not forced to the disk: a record that a power cut takes is made again from the files.
        temporary.write_bytes(content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def unfinished(store: Path, name: str) -> Iterator[Path]:
    """Give a new folder in `store` to make `name` in; it is deleted, unless it was moved away.

    Whoever calls this holds the lock on `name`: what a killed process left of it is deleted too.
    """
    import tempfile

    for leftover in store.glob(f"{UNFINISHED}{name}-*"):
        delete(leftover)
    made = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{name}-", dir=store))
    try:
        yield made
    finally:
        delete(made)


def note_growth(cache: Path, size: int) -> None:
    """Note in `cache` that it has grown by so many bytes: when it is pruned goes by it."""
    with suppress(OSError), (cache / GROWTH).open("a") as file:
        file.write(f"{size}\n")


def note_use(mark: Path) -> None:
    """Let the file `mark` bear the time of a use, to within seconds: what is kept goes by it."""
    with suppress(OSError):  # a home that is only read
        if time.time() - mark.stat().st_mtime > _STALE:
            os.utime(mark)


def delete(path: Path) -> None:
    """Delete a file or a whole folder; nothing happens when there is none.

    Another process may be deleting the same.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    if os.name == "nt":
        for folder, _, names in os.walk(path):
            for name in names:
                with suppress(FileNotFoundError):
                    Path(folder, name).chmod(stat.S_IWRITE)
    from shutil import rmtree  # with all the kinds of archives that it knows

    rmtree(path, onerror=_unless_gone)


def _unless_gone(_function: object, _path: str, raised: ExcInfo) -> None:
    if not isinstance(raised[1], FileNotFoundError):
        raise raised[1]


def sizes(folder: Path) -> list[int]:
    """Return the sizes in bytes of the files below `folder`, as far as they are still there."""
    found = []
    for below, _, names in os.walk(folder):
        for name in names:
            try:
                found.append(Path(below, name).stat().st_size)
            except FileNotFoundError:  # another program works in there
                continue
    return found


def copy(source: Path, target: Path) -> None:
    """Copy a file's bytes, not its mode bits."""
    from shutil import copyfile

    copyfile(source, target)
