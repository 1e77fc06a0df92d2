"""Deleting a folder that a stranger has filled: however deep it is, and however long its names."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What a folder is opened with, never by a link.
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def remove_tree(folder: Path) -> None:
    """Delete `folder` with all that is in it; what cannot be deleted stays.

    Folders in folders are moved to the top first, so that no path gets long and nothing recurses.
    """
    if not can_empty():
        _remove_by_path(folder)
        return
    with suppress(OSError):
        top = os.open(folder, FOLDER)
        try:
            empty(top)
        finally:
            os.close(top)
        folder.rmdir()


def _remove_by_path(folder: Path) -> None:
    from shutil import rmtree

    # So written, a path on Windows may be longer than 260 characters, and names are just names.
    whole = os.path.abspath(folder)  # noqa: PTH100 - of a string
    if os.name == "nt" and not whole.startswith("\\\\"):
        whole = f"\\\\?\\{whole}"
    rmtree(whole, onerror=_remove_readonly)


def _remove_readonly(function: Callable[[str], object], path: str, _raised: object) -> None:
    """Try again: what may only be read is not deleted on Windows."""
    with suppress(OSError):
        os.chmod(path, stat.S_IWRITE | stat.S_IREAD)  # noqa: PTH101 - as it was given
        function(path)


def can_empty() -> bool:
    """Say whether `empty` works on this system: not on Windows."""
    return os.rename in os.supports_dir_fd and os.scandir in os.supports_fd


def empty(top: int) -> None:
    """Delete all that is in the open folder `top`, whose mode is 0700 then. Raises `OSError`."""
    pending = _clear(top, top, [])
    while pending:
        name = pending.pop()
        inner = os.open(name, FOLDER, dir_fd=top)
        try:
            _clear(inner, top, pending)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=top)


def _clear(folder: int, top: int, pending: list[str]) -> list[str]:
    """Delete the files in `folder`, and move its folders to `top`; note their names there."""
    # A copy of what may only be read has its write bits off.
    os.fchmod(folder, 0o700)
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
        elif folder == top:
            pending.append(name)
        else:
            # No folder is there yet: a name of 16 random bytes is not one that could be guessed.
            moved = os.urandom(16).hex()
            _move(name, moved, folder, top)
            pending.append(moved)
    return pending


def _move(name: str, moved: str, folder: int, top: int) -> None:
    try:
        os.rename(name, moved, src_dir_fd=folder, dst_dir_fd=top)
    except PermissionError:
        # A folder that is moved elsewhere is written to: it says what it lies in.
        inner = os.open(name, FOLDER, dir_fd=folder)
        try:
            os.fchmod(inner, 0o700)
        finally:
            os.close(inner)
        os.rename(name, moved, src_dir_fd=folder, dst_dir_fd=top)
