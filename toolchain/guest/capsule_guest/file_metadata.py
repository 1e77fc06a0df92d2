"""Permissions and times of files, kept beside them.

WASI has no permissions, and lets nobody set times. What is as usual is not kept: a file of 0644, a
folder of 0755, times that the system gave.
"""

from __future__ import annotations

import operator
import os
import stat
import time

from capsule_guest import devices, loader
from capsule_guest.folder_grants import check_writable, is_read_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FILE, _FOLDER, _READ_ONLY = 0o644, 0o755, 0o555
_USUAL_MASK = 0o022
_SECOND = 1_000_000_000
# What a result of `stat` has beside its ten numbers.
_TIMES = [name for name in dir(os.stat_result) if name.endswith(("time", "_ns"))]
_NAMED = (*_TIMES, "st_blksize", "st_blocks", "st_rdev")
_named = operator.attrgetter(*_NAMED)

_stat, _lstat, _fstat = os.stat, os.lstat, os.fstat
# The mask, and whether a file that is made has other permissions by it than the usual ones.
umask_state = {"mask": _USUAL_MASK, "unusual": False}
# By device and number of the file: its permissions; and its times, with the time of the last change
# that the system had then. Once that is another, the file was written since.
_modes: dict[tuple[int, int], int] = {}
_set_times: dict[tuple[int, int], tuple[int, int, int]] = {}


def umask(mask: int, /) -> int:
    """Set the mask of permissions and return the one before."""
    before, now = umask_state["mask"], mask & 0o777
    umask_state.update(mask=now, unusual=now != _USUAL_MASK)
    return before


def is_missing(path: Any, **options: Any) -> bool:
    """Say whether nothing lies there."""
    try:
        _lstat(path, **options)
    except OSError:
        return True
    return False


def keep_mode(made: Any, mode: int, **options: Any) -> None:
    """Keep the permissions of what was made under this path or number."""
    mode &= ~umask_state["mask"] & 0o7777
    found = _fstat(made) if isinstance(made, int) else _lstat(made, **options)
    if mode != (_FOLDER if stat.S_ISDIR(found.st_mode) else _FILE):
        _modes[found.st_dev, found.st_ino] = mode


def making_folder(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.mkdir`."""

    def mkdir(path: Any, mode: int = 0o777, **kwargs: Any) -> None:
        function(path, mode, **kwargs)
        if mode & ~umask_state["mask"] != _FOLDER:
            keep_mode(path, mode & 0o1777, **kwargs)

    return mkdir


def about_to_go(path: Any, replaced: Any = None, **options: Any) -> tuple[int, int] | None:
    """Return of which file nothing is to be kept once this is deleted, or put in place of another.

    Another file may get its number.
    """
    if not _modes and not _set_times:
        return None
    try:
        found = _lstat(path if replaced is None else replaced, **options)
        if replaced is not None and os.path.samestat(found, _lstat(path)):
            return None
    except OSError:
        return None
    is_last = found.st_nlink <= 1 or stat.S_ISDIR(found.st_mode)
    return (found.st_dev, found.st_ino) if is_last else None


def forget(gone: tuple[int, int] | None) -> None:
    """Keep nothing of a file that is gone."""
    if gone is not None:
        _modes.pop(gone, None)
        _set_times.pop(gone, None)


def showing_metadata(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.stat` and its like."""

    def call(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        if type(path) is int and path in devices.opened:
            return devices.status(devices.opened[path][0])
        try:
            found = function(path, *args, **kwargs)
        except FileNotFoundError:
            if isinstance(path, int) or (found := _elsewhere(path)) is None:
                raise
            return found
        if stat.S_IMODE(found.st_mode):
            return found
        times = dict(zip(_NAMED, _named(found), strict=True))
        whole = found[1:]
        at = _set_times.get((found.st_dev, found.st_ino))
        if at is not None and at[2] == found.st_mtime_ns:
            times.update(_named_times(*at[:2]))
            whole = (*found[1:7], at[0] // _SECOND, at[1] // _SECOND, found[9])
        return os.stat_result((found.st_mode | _mode(found, path), *whole), times)

    return call


def _mode(found: os.stat_result, path: Any) -> int:
    kept = _modes.get((found.st_dev, found.st_ino))
    if kept is None:
        kept = _FOLDER if stat.S_ISDIR(found.st_mode) else _FILE
        if is_read_only(path):
            kept &= _READ_ONLY
    return kept


def _elsewhere(path: Any) -> os.stat_result | None:
    """Return what there is to say of a device, or of one of the task's own sources."""
    device = devices.find(path)
    if device is not None:
        return devices.status(device)
    text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links are not to be resolved
    content = loader.source_of(text)
    if content is None:
        return None
    return devices.made_up(stat.S_IFREG | 0o444, 0, len(content))


def _named_times(access: int, change: int) -> dict[str, float]:
    named: dict[str, float] = {}
    for name, value in (("st_atime", access), ("st_mtime", change)):
        seconds, rest = divmod(value, _SECOND)
        named[name], named[f"{name}_ns"] = seconds + 1e-9 * rest, value
    return named


def _found(path: Any, options: dict[str, Any]) -> os.stat_result:
    return _fstat(path) if isinstance(path, int) else _stat(path, **options)


def keeping_mode(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.chmod`."""

    def chmod(path: Any, mode: int, **kwargs: Any) -> None:
        if not isinstance(path, int):
            function(path, mode, **kwargs)
        found = _found(path, kwargs)
        check_writable(path)
        _modes[found.st_dev, found.st_ino] = stat.S_IMODE(mode)

    return chmod


def fchmod(fd: int, mode: int) -> None:
    """Set the permissions of an open file."""
    os.chmod(fd, mode)


def keeping_times(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.utime`: where times cannot be set, they are kept."""

    def utime(path: Any, times: Any = None, **kwargs: Any) -> None:
        _found(path, {key: kwargs[key] for key in kwargs if key != "ns"})
        check_writable(path)
        try:
            function(path, times, **kwargs)
        except PermissionError:
            at = kwargs.pop("ns", None)
            if at is None:
                now = time.time_ns()
                at = (now, now) if times is None else tuple(map(_nanoseconds, times))
            found = _found(path, kwargs)
            _set_times[found.st_dev, found.st_ino] = (*at, found.st_mtime_ns)

    return utime


def _nanoseconds(seconds: float) -> int:
    whole = int(seconds // 1)
    return whole * _SECOND + int((seconds - whole) * 1e9 // 1)


def knowing_rights(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.access`."""

    def access(path: Any, mode: int, **kwargs: Any) -> bool:
        if path in ("", b"") or (mode & os.W_OK and is_read_only(path)):
            return False
        if not function(path, mode, **kwargs):
            if isinstance(path, int) or devices.find(path) is None:
                return False
            return not mode & os.X_OK
        if mode & os.X_OK:
            found = _found(path, {})
            return stat.S_ISDIR(found.st_mode) or bool(_mode(found, path) & 0o111)
        return True

    return access
