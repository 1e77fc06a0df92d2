"""Deleting a folder that a stranger has filled: however deep it is, and however long its names."""

from __future__ import annotations

import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# What a folder is opened with, never by a link.
FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def remove_tree(folder: Path) -> None:
    """Delete `folder` with all that is in it; what cannot be deleted stays.

    Folders in folders are moved to the top first, so that no path gets long and nothing recurses.
    """
    if not can_empty():
        from shutil import rmtree

        rmtree(folder, ignore_errors=True)
        return
    with suppress(OSError):
        top = os.open(folder, FOLDER)
        try:
            empty(top)
        finally:
            os.close(top)
        folder.rmdir()


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
