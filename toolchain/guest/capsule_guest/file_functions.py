"""Functions on files that WASI lacks or answers otherwise than outside.

Paths with `..` are made plain, as a folder's list ends at its own root here, and one without a
letter names nothing; and the task's own sources and devices, which lie on no file system, can be
opened.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import tokenize

from capsule_guest import devices, folder_entries, loader
from capsule_guest import file_metadata as metadata
from capsule_guest.builtin_functions import BuiltinFunction
from capsule_guest.folder_grants import (
    check_project,
    explain,
    is_read_only,
    located,
    note_opened,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# What the private folders hold at most: see capsule.confine.scratch.
_MOST_BYTES, _MOST_FILES, _BLOCK = 256 << 20, 10_000, 4096
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
_MOVING = frozenset(["rename", "replace"])
_MAKING = frozenset(["mkdir", "link", "symlink"])
_CHANGING = _OF_FOLDERS | {"remove", "unlink", "truncate", "link", "symlink"}
_READ_WRITE = os.O_RDONLY | os.O_RDWR


def _absolute(path: Any) -> Any:
    return os.path.abspath(path)  # noqa: PTH100 - links are not to be resolved


def _is_folder(path: Any) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - of bytes too


def _stat(path: Any) -> os.stat_result:
    return os.stat(path)  # noqa: PTH116 - of descriptors too


def install() -> None:
    """Put these functions in place of the system's, and those that it lacks beside them."""
    for name, count in _OF_PATHS.items():
        function = _with_plain_paths(getattr(os, name), name, count)
        _replace(os, name, _IN_PLACE[name](function) if name in _IN_PLACE else function)
    _replace(os, "fstat", metadata.showing_metadata(os.fstat))
    os.supports_fd.add(os.chmod)
    os.umask, os.fchmod = metadata.umask, metadata.fchmod
    os.statvfs, os.dup, os.sendfile = statvfs, dup, sendfile  # type: ignore[assignment]
    os.DirEntry = folder_entries.DirEntry  # type: ignore[assignment, misc]
    opened = BuiltinFunction(_opening(open), open, "io")
    builtins.open = io.open = opened  # type: ignore[assignment]
    # It has taken the one that was there when it was imported; `linecache` opens sources by it.
    tokenize._builtin_open = opened  # type: ignore[attr-defined]


def _replace(module: Any, name: str, function: Callable[..., Any]) -> None:
    below = getattr(module, name)
    made = BuiltinFunction(function, below, module.__name__)
    setattr(module, name, made)
    for known in (os.supports_follow_symlinks, os.supports_fd, os.supports_dir_fd):
        if below in known:
            known.add(made)


def _missing(*paths: Any) -> OSError:
    text = os.strerror(errno.ENOENT)
    return FileNotFoundError(errno.ENOENT, text, paths[0], None, *paths[1:])


def plain(path: Any) -> Any:
    """Return a path without `..`, as it would be found outside, and any other as it is."""
    if isinstance(path, (str, bytes, os.PathLike)):
        text = os.fspath(path)
        if (".." if isinstance(text, str) else b"..") in text:
            return _absolute(text)
        if not text:
            raise _missing(path)
    return path


def _with_plain_paths(function: Any, name: str, count: int) -> Callable[..., Any]:
    bare, changes = name in _OF_FOLDERS, name in _CHANGING
    removes, moves = name in _REMOVING, name in _MOVING
    makes = moves or name in _MAKING

    def call(*args: Any, **kwargs: Any) -> Any:
        if count > 1 and ("" in args[:count] or b"" in args[:count]):
            raise _missing(*args[:count])
        paths = [_without_slash(plain(path)) if bare else plain(path) for path in args[:count]]
        if not changes:
            return function(*paths, *args[count:], **kwargs)
        for path in paths:
            check_project(path, makes=makes and path is paths[-1], over=moves)
        gone = None
        if removes or moves:
            gone = metadata.about_to_go(*paths, **({} if moves else kwargs))
        try:
            function(*paths, *args[count:], **kwargs)
        except PermissionError as error:
            explain(error, *paths)
            raise
        metadata.forget(gone)
        return None

    return call


def _without_slash(path: Any) -> Any:
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if isinstance(text, (str, bytes)) and len(text) > 1 and text[-1:] in ("/", b"/"):
        return text.rstrip("/" if isinstance(text, str) else b"/")  # type: ignore[arg-type]
    return path


def _linking(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.symlink`, which no sandbox may do."""

    def symlink(source: Any, path: Any, *args: Any, **kwargs: Any) -> None:
        try:
            function(source, path, *args, **kwargs)
        except PermissionError as error:
            if error.errno == errno.EPERM:
                why = "a sandbox makes no symbolic links (os.link gives a file another name)"
                error.strerror = f"{error.strerror}, as {why}"
            raise

    return symlink


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
    """Copy the descriptor of a stream or a device. WASI copies none, and what is opened again has
    a place of its own in the file: what one writes there, the other would write over."""
    if fd in devices.opened or 0 <= fd <= 2:
        return devices.duplicate(fd)
    os.fstat(fd)
    raise OSError(
        errno.ENOTSUP, "the descriptor of a file cannot be copied here: open the file again"
    )


def sendfile(out_fd: int, in_fd: int, offset: int | None, count: int) -> int:
    """Copy from one descriptor to another, and return how much that was."""
    data = os.read(in_fd, count) if offset is None else os.pread(in_fd, count, offset)
    return os.write(out_fd, data)


def _opening_number(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `os.open`."""

    def opened(path: Any, flags: int, mode: int = 0o777, **kwargs: Any) -> int:
        if not flags & _READ_WRITE:
            flags |= os.O_RDONLY  # which is no bit at all outside
        if (device := devices.find(path)) is not None:
            return devices.open_device(device, path, flags)
        makes = flags & os.O_CREAT and metadata.is_missing(path, **kwargs)
        place = located(path, kwargs.get("dir_fd"))
        if makes or flags & (os.O_WRONLY | os.O_TRUNC):
            check_project(place, makes=bool(makes))
        try:
            number: int = function(path, flags, mode, **kwargs)
        except PermissionError as error:
            explain(error, place)
            raise
        note_opened(number, path, kwargs.get("dir_fd"))
        if not makes:
            return number
        metadata.keep_mode(number, mode)
        if flags & os.O_WRONLY:
            return number
        # The system has opened what it made for writing too.
        os.close(number)
        return int(function(path, flags & ~(os.O_CREAT | os.O_EXCL), mode, **kwargs))

    return opened


_IN_PLACE: dict[str, Any] = {
    "stat": metadata.showing_metadata,
    "lstat": metadata.showing_metadata,
    "chmod": metadata.keeping_mode,
    "utime": metadata.keeping_times,
    "access": metadata.knowing_rights,
    "mkdir": metadata.making_folder,
    "open": _opening_number,
    "scandir": folder_entries.listing,
    "symlink": _linking,
}
_WRITING = frozenset("wax+")


def _opening(function: Any) -> Callable[..., Any]:
    """Return what is called in place of `open`."""

    def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, int) or (kwargs and kwargs.get("opener")) or len(args) == _WITH_OPENER:
            return function(file, mode, buffering, *args, **kwargs)
        file = plain(file)
        makes = False
        if not _WRITING.isdisjoint(mode):
            if is_read_only(file):
                over = "x" not in mode and not _is_folder(file)
                check_project(file, makes="r" not in mode, over=over)
            if metadata.umask_state["unusual"]:
                makes = "r" not in mode and metadata.is_missing(file)
        device = devices.PATHS.get(file) if type(file) is str else devices.find(file)
        if device is not None:
            return _open_device(function, device, file, mode, buffering, *args, **kwargs)
        if (raw := _of_bundle(file, mode)) is None:
            try:
                made = function(file, mode, buffering, *args, **kwargs)
            except PermissionError as error:
                explain(error, file)
                raise
            if makes:
                metadata.keep_mode(made.fileno(), 0o666)
            return made
        if "b" in mode:
            return raw if buffering == 0 else io.BufferedReader(raw)
        return io.TextIOWrapper(io.BufferedReader(raw), *args, **kwargs)

    return opened


# How many arguments come behind the third of `open` where the last of all is given.
_WITH_OPENER = 5


def _open_device(
    function: Any, device: int | str, file: Any, mode: str, *args: Any, **kwargs: Any
) -> Any:
    writes = 0 if _WRITING.isdisjoint(mode) else os.O_WRONLY
    reads = os.O_RDONLY if "r" in mode or "+" in mode else 0
    only = os.O_CREAT | os.O_EXCL if "x" in mode else 0
    number = devices.open_device(device, file, reads | writes | only)
    try:
        stream = function(number, mode, *args, **kwargs)
    except BaseException:
        devices.close_open(number)
        raise
    raw = stream
    while not isinstance(raw, devices.DeviceStream):
        raw = raw.buffer if isinstance(raw, io.TextIOWrapper) else raw.raw
    raw.name = file
    return stream


def _of_bundle(file: Any, mode: str) -> Any:
    """Return the bytes of one of the task's own sources, if this is one."""
    if "r" not in mode or "+" in mode:
        return None
    try:
        text = os.fsdecode(file)
    except TypeError:
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
