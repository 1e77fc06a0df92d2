"""What `os.scandir` gives, with the permissions and times that `os.stat` shows."""

from __future__ import annotations

import os
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class DirEntry:
    """An entry of a folder."""

    __slots__ = ("_below", "_stats", "name", "path")
    __module__ = "posix"

    # An entry is made for each name that is only listed, so that this does as little as can be.
    def __init__(self, below: Any) -> None:
        self._below = below
        self.name = below.name
        self.path = below.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether this is a folder."""
        return bool(self._below.is_dir(follow_symlinks=follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether this is a file."""
        return bool(self._below.is_file(follow_symlinks=follow_symlinks))

    def is_symlink(self) -> bool:
        """Say whether this is a symbolic link."""
        return bool(self._below.is_symlink())

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return what `os.stat` says, asked once."""
        stats: dict[bool, os.stat_result] = getattr(self, "_stats", {})
        if follow_symlinks not in stats:
            stats[follow_symlinks] = os.stat(  # noqa: PTH116 - as asked
                self.path, follow_symlinks=follow_symlinks
            )
            self._stats = stats
        return stats[follow_symlinks]

    def inode(self) -> int:
        """Return the number of the file."""
        return int(self._below.inode())

    def is_junction(self) -> bool:
        """Say no, as everywhere but on Windows."""
        return False

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return repr(self._below)

    def __reduce__(self) -> Any:
        message = "cannot pickle 'posix.DirEntry' object"
        raise TypeError(message)

    __class_getitem__: Any = classmethod(types.GenericAlias)


class _Entries:
    """The iterator, which can be closed."""

    def __init__(self, below: Any) -> None:
        self._below = below
        self.close = below.close

    def __iter__(self) -> Any:
        return map(DirEntry, self._below)

    def __next__(self) -> DirEntry:
        return DirEntry(next(self._below))

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def listing(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.scandir`."""

    def scandir(*args: Any, **kwargs: Any) -> Any:
        return _Entries(function(*args, **kwargs))

    return scandir
