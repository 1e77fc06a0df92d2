"""Functions on files that WASI lacks or answers otherwise than outside.

Paths with `..` are made plain, as a folder's list ends at its own root here; permissions are kept
beside the files, for WASI has none; and the task's own sources and `/dev/null`, which lie on no
file system, can be opened.
"""

from __future__ import annotations

import builtins
import errno
import gc
import io
import os
import stat
import tokenize

from capsule_guest import loader
from capsule_guest.builtin_functions import BuiltinFunction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# What the private folders hold at most: see capsule.confine.scratch.
_MOST_BYTES, _MOST_FILES, _BLOCK = 256 << 20, 10_000, 4096
_FILE, _FOLDER, _READ_ONLY = 0o644, 0o755, 0o555
# How many paths each function takes first.
_OF_PATHS = {
    **dict.fromkeys(
        [
            "stat",
            "lstat",
            "access",
            "chmod",
            "utime",
            "listdir",
            "scandir",
            "mkdir",
            "rmdir",
            "remove",
            "unlink",
            "readlink",
            "truncate",
            "chdir",
            "open",
        ],
        1,
    ),
    **dict.fromkeys(["rename", "replace", "link", "symlink"], 2),
}
# Those that outside take a folder's path with a slash behind it, and here would not.
_OF_FOLDERS = frozenset(["mkdir", "rmdir", "rename", "replace"])
_REMOVING = frozenset(["remove", "unlink", "rmdir"])
_CHANGING = _OF_FOLDERS | {"remove", "unlink", "truncate", "link", "symlink"}


def _absolute(path: Any) -> Any:
    return os.path.abspath(path)  # noqa: PTH100 - links are not to be resolved


def _stat(path: Any) -> os.stat_result:
    return os.stat(path)  # noqa: PTH116 - of descriptors too


_state = {"umask": 0o022}
_modes: dict[tuple[int, int], int] = {}
# Whether the task may write in the folders that it was granted, where it may not in all of them;
# and what there is of the project, if that is one of them.
_rights: dict[str, bool] = {}
_project: set[str] = set()


def install() -> None:
    """Put these functions in place of the system's, and those that it lacks beside them."""
    for name, count in _OF_PATHS.items():
        _replace(os, name, _with_plain_paths(getattr(os, name), name, count))
    for name in ("stat", "lstat", "fstat"):
        _replace(os, name, _with_mode(getattr(os, name)))
    _replace(os, "chmod", _keeping_mode(os.chmod))
    _replace(os, "access", _knowing_rights(os.access))
    os.umask, os.statvfs, os.dup = umask, statvfs, dup  # type: ignore[assignment]
    opened = BuiltinFunction(_opening(open), open, "io")
    builtins.open = io.open = opened  # type: ignore[assignment]
    # It has taken the one that was there when it was imported; `linecache` opens sources by it.
    tokenize._builtin_open = opened  # type: ignore[attr-defined]


def grant(rights: dict[str, bool]) -> None:
    """Say which folders there are, and whether they may be written."""
    _rights.update(rights)
    if "/" in _rights:
        _project.update(os.listdir("/"))  # noqa: PTH208 - names are all that is asked


def _replace(module: Any, name: str, function: Callable[..., Any]) -> None:
    below = getattr(module, name)
    made = BuiltinFunction(function, below, module.__name__)
    setattr(module, name, made)
    for known in (os.supports_follow_symlinks, os.supports_fd, os.supports_dir_fd):
        if below in known:
            known.add(made)


def plain(path: Any) -> Any:
    """Return a path without `..`, as it would be found outside, and any other as it is."""
    if isinstance(path, (str, bytes, os.PathLike)):
        text = os.fspath(path)
        if (".." if isinstance(text, str) else b"..") in text:
            return _absolute(text)
    return path


def _with_plain_paths(function: Any, name: str, count: int) -> Callable[..., Any]:
    bare, changes = name in _OF_FOLDERS, name in _CHANGING

    def call(*args: Any, **kwargs: Any) -> Any:
        paths = [_without_slash(plain(path)) if bare else plain(path) for path in args[:count]]
        if changes:
            for path in paths:
                _check_writable(path)
        if name in _REMOVING and _modes:
            _forget(paths[0])
        return function(*paths, *args[count:], **kwargs)

    return call


def _forget(path: Any) -> None:
    """Keep no permissions of what is deleted: another file may get its number."""
    try:
        found = os.lstat(path)
    except OSError:
        return
    if found.st_nlink <= 1 or stat.S_ISDIR(found.st_mode):
        _modes.pop((found.st_dev, found.st_ino), None)


def _check_writable(path: Any) -> None:
    if _is_read_only(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def _without_slash(path: Any) -> Any:
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if isinstance(text, (str, bytes)) and len(text) > 1 and text[-1:] in ("/", b"/"):
        return text.rstrip("/" if isinstance(text, str) else b"/")  # type: ignore[arg-type]
    return path


def _with_mode(function: Any) -> Callable[..., Any]:
    def call(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        try:
            found = function(path, *args, **kwargs)
        except FileNotFoundError:
            if isinstance(path, int) or (found := _of_bundle(path)) is None:
                raise
            return found
        if stat.S_IMODE(found.st_mode):
            return found
        kept = _modes.get((found.st_dev, found.st_ino))
        if kept is None:
            kept = _FOLDER if stat.S_ISDIR(found.st_mode) else _FILE
            if _is_read_only(path):
                kept &= _READ_ONLY
        return os.stat_result((found.st_mode | kept, *found[1:]), _times(found))

    return call


def _of_bundle(path: Any) -> os.stat_result | None:
    content = loader.source_of(_absolute(os.fsdecode(path)))
    if content is None:
        return None
    return os.stat_result((stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, len(content), 0, 0, 0))


def _times(found: os.stat_result) -> dict[str, Any]:
    names = "st_atime st_mtime st_ctime st_atime_ns st_mtime_ns st_ctime_ns st_blksize st_blocks"
    return {name: getattr(found, name) for name in names.split() if hasattr(found, name)}


def _keeping_mode(function: Any) -> Callable[..., Any]:
    def chmod(path: Any, mode: int, *args: Any, **kwargs: Any) -> None:
        _check_writable(path)
        function(path, mode, *args, **kwargs)
        found = _stat(path)
        _modes[found.st_dev, found.st_ino] = stat.S_IMODE(mode)

    return chmod


def _knowing_rights(function: Any) -> Callable[..., Any]:
    def access(path: Any, mode: int, *args: Any, **kwargs: Any) -> bool:
        if mode & os.W_OK and _is_read_only(path):
            return False
        return bool(function(path, mode, *args, **kwargs))

    return access


def _is_read_only(path: Any) -> bool:
    if not _rights or not isinstance(path, (str, bytes, os.PathLike)):
        return False
    text = _absolute(os.fsdecode(path))
    above = [folder for folder in _rights if text == folder or text.startswith(f"{folder}/")]
    if above:
        return not _rights[max(above, key=len)]
    return text.split("/")[1] in _project


def umask(mask: int, /) -> int:
    """Set the mask of permissions and return the one before; here it is only kept."""
    before, _state["umask"] = _state["umask"], mask & 0o777
    return before


def statvfs(path: Any) -> os.stat_result:
    """Return what the private folders hold and may hold; of others nothing is known here."""
    _stat(path)
    used = files = 0
    for top in ("/", "/tmp"):  # noqa: S108 - the sandbox's own
        for folder, folders, names in os.walk(top):
            files += len(folders) + len(names)
            for name in names:
                try:
                    used += _stat(f"{folder}/{name}").st_size
                except OSError:
                    continue
    free = max(_MOST_BYTES - used, 0) // _BLOCK
    left = max(_MOST_FILES - files, 0)
    kinds = (_BLOCK, _BLOCK, _MOST_BYTES // _BLOCK, free, free, _MOST_FILES, left, left, 0, 255)
    return _StatVfs(kinds)  # type: ignore[return-value]


class _StatVfs(tuple):  # type: ignore[type-arg]
    """What `os.statvfs` returns."""

    _names = (
        *("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail"),
        *("f_files", "f_ffree", "f_favail", "f_flag", "f_namemax"),
    )

    def __getattr__(self, name: str) -> int:
        try:
            return int(self[self._names.index(name)])
        except ValueError:
            raise AttributeError(name) from None


def dup(fd: int, /) -> int:
    """Open the file of a descriptor a second time, at the same place: WASI copies none."""
    for each in gc.get_objects():
        if type(each) is io.FileIO and not each.closed and each.fileno() == fd:
            if each.readable() and each.writable():
                flags = os.O_RDWR
            else:
                flags = os.O_RDONLY if each.readable() else os.O_WRONLY
            copy = os.open(each.name, flags)
            os.lseek(copy, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
            return copy
    raise OSError(errno.ENOTSUP, "a descriptor that is no open file of Python's cannot be copied")


_WRITING = frozenset("wax+")


class _Null(io.RawIOBase):
    """`/dev/null`."""

    name = os.devnull

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return 0

    def write(self, data: Any) -> int:
        return memoryview(data).nbytes


def _opening(function: Any) -> Callable[..., Any]:
    def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, int):
            return function(file, mode, buffering, *args, **kwargs)
        file = plain(file)
        if _WRITING.intersection(mode):
            _check_writable(file)
        if (raw := _virtual(file, mode)) is None:
            return function(file, mode, buffering, *args, **kwargs)
        reads = "r" in mode and "+" not in mode
        if "b" in mode and buffering == 0:
            return raw
        buffered: Any = io.BufferedReader(raw) if reads else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, *args, **kwargs)

    return opened


def _virtual(file: Any, mode: str) -> Any:
    """Return the bytes of what lies on no file system: `/dev/null`, the task's own sources."""
    try:
        text = os.fsdecode(file)
    except TypeError:
        return None
    if text == os.devnull:
        return _Null()
    if "r" not in mode or "+" in mode:
        return None
    content = loader.source_of(_absolute(text))
    if content is None or _exists(text):
        return None
    return _BundleFile(content, file)


def _exists(path: str) -> bool:
    """Say whether a file lies there, in place of which one of the bundle is shown else."""
    try:
        return _stat(path).st_ino != 0
    except OSError:
        return False


class _BundleFile(io.BytesIO):
    """A file that came with the task, opened."""

    def __init__(self, content: bytes, name: Any) -> None:
        super().__init__(content)
        self.name = name
