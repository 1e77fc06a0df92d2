"""Files that a caller mounts: a sandbox sees folders alone, so each is a copy in a private one.

Those that lie in one folder inside are in one folder here. A file that may be written is copied
back when its task is over, if the copy is another by then: whole, in one step where that is
possible, and with the permissions that the file had.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from capsule.confine.nofollow import has_no_links, open_nofollow
from capsule.confine.private_dirs import private_folder
from capsule.confine.scratch import WORKING
from capsule.errors import PolicyError
from capsule.message_text import printable
from capsule.process.argv import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from capsule.confine.scratch import Scratch

_READ, _WRITE, _CLOSED = 0o400, 0o600, 0o500
_MOVED = "it was moved while the run went on, and a link is in its place"
_NOFOLLOW = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NOFOLLOW |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def copied(files: Sequence[Mount], scratch: Scratch) -> Iterator[tuple[Mount, ...]]:
    """Give the folders that a sandbox is shown for these files.

    `scratch` counts what is added to them, and copies back at the end.

    Raises `PolicyError` for a file that cannot be copied; nothing has run then.
    """
    folders: dict[str, list[Mount]] = {}
    for file in files:
        folders.setdefault(file.guest.rpartition("/")[0] or "/", []).append(file)
    with ExitStack() as owned:
        shown = []
        for guest, inside in folders.items():
            if guest == WORKING:
                put_into(scratch.working, inside, scratch)
                sizes = [scratch.working.joinpath(file.guest[1:]).stat().st_size for file in inside]
                scratch.allow(len(sizes), sum(sizes))
                continue
            folder = owned.enter_context(private_folder())
            put_into(folder, inside, scratch)
            scratch.watch(folder)
            writable = any(file.writable for file in inside)
            if not writable:
                folder.chmod(_CLOSED)
            shown.append(Mount(folder, guest, writable, private=True))
        yield tuple(shown)


def put_into(folder: Path, files: Sequence[Mount], scratch: Scratch) -> None:
    """Copy files into a folder; `scratch` copies back at the end what may be written.

    Raises as `copied` does.
    """
    for file in files:
        copy = folder / file.guest.rpartition("/")[2]
        try:
            with _opened(file.host) as content, copy.open("xb") as target:
                shutil.copyfileobj(content, target)
            copy.chmod(_WRITE if file.writable else _READ)
            marks = _mark(copy), _mark(file.host)
        except OSError as error:
            raise PolicyError(
                f"the file {printable(str(file.host))} cannot be copied for {file.guest}:"
                f" {error.strerror}"
            ) from error
        if file.writable:
            scratch.at_end.append(partial(_copy_back, copy, file.host, *marks))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file in whose path no name is a link, since it was looked at, or by now.

    Raises `OSError`, also for what is no regular file any more.
    """
    if os.open in os.supports_dir_fd:
        folder = open_nofollow(path.parent)
        try:
            source = os.open(path.name, _NOFOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
    elif has_no_links(path):
        source = os.open(path, _NOFOLLOW)
    else:
        raise OSError(errno.ELOOP, _MOVED)
    with os.fdopen(source, "rb") as content:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield content


def _mark(path: Path) -> tuple[int, ...]:
    """Return what tells that a file has been written or replaced."""
    found = path.lstat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _copy_back(
    copy: Path, target: Path, before: tuple[int, ...], original: tuple[int, ...]
) -> str | None:
    """Write a file anew if its copy has changed; say why, if that cannot be done."""
    try:
        # Where it was deleted, or something else is in its place, the file stays as it is.
        if _mark(copy) == before or not stat.S_ISREG(copy.lstat().st_mode):
            return None
    except OSError:
        return None
    if problem := _problem(target, original):
        return f"{printable(str(target))} {problem}"
    try:
        # Links may lead to where the system keeps temporary files.
        with os.fdopen(os.open(copy, _NOFOLLOW), "rb") as content:
            _replace(content, target)
    except OSError as error:
        return f"{printable(str(target))} cannot be written back: {error.strerror}"
    return None


def _problem(target: Path, original: tuple[int, ...]) -> str | None:
    if not has_no_links(target):
        return f"cannot be written back: {_MOVED}"
    if target.is_file() and _mark(target) != original:
        return (
            "was changed by another while the task ran, and stays as it is: what the task wrote"
            " there is not in it"
        )
    return None


def _is_special(target: Path) -> bool:
    status = target.stat()
    mine = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    return status.st_nlink > 1 or not mine


def _replace(content: BinaryIO, target: Path) -> None:
    """Write a file in one step; in place where its folder takes no other, or it would lose by it.

    Another file has other owners, and other names of the same file would stay with the old one.
    """
    handle, name = -1, ""
    with suppress(OSError):
        if not _is_special(target):
            handle, name = tempfile.mkstemp(".part", ".capsule-", target.parent)
    if handle < 0:
        with target.open("r+b") as file:
            shutil.copyfileobj(content, file)
            file.truncate()
        return
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(content, file)
        with suppress(FileNotFoundError):
            shutil.copymode(target, made)
        made.replace(target)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
