"""What programs open in `/dev`, which lies on no file system here.

Each opened one has a number of the system's: that of a folder, so that nothing else gets it. Who
reads and writes by that number is served from here: see `descriptors`.
"""

from __future__ import annotations

import errno
import io
import os
import stat

from capsule.shared.frames import STDERR, STDOUT
from capsule_guest.streams import FrameWriter, read_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_open, _close = os.open, os.close
# What Linux has for their numbers.
_NUMBERS = {"null": 0x103, "zero": 0x105, "full": 0x107, "random": 0x108, "urandom": 0x109}
# What is opened is looked up here first: the number of a stream, or the name of a device.
PATHS: dict[str, int | str] = {
    **{f"/dev/{name}": name for name in _NUMBERS},
    **{f"/dev/std{name}": number for number, name in enumerate(("in", "out", "err"))},
    **{f"/dev/fd/{number}": number for number in range(3)},
}
_CHARACTERS, _PIPE = stat.S_IFCHR | 0o666, stat.S_IFIFO | 0o600
# What each number stands for, and whether it can be read and written.
opened: dict[int, tuple[int | str, bool, bool]] = {}


def find(path: Any) -> int | str | None:
    """Return which device or stream a path names, if it names one."""
    if type(path) is str:
        return PATHS.get(path)
    return PATHS.get(os.fsdecode(path)) if isinstance(path, (bytes, os.PathLike)) else None


def open_device(device: int | str, path: Any, flags: int) -> int:
    """Open one, as `os.open` opens a file, and return its number."""
    if flags & os.O_CREAT and flags & os.O_EXCL:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    if flags & os.O_DIRECTORY:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    number = _open("/", os.O_RDONLY)
    reads, writes = bool(flags & os.O_RDONLY), bool(flags & os.O_WRONLY)
    opened[number] = device, reads or not writes, writes
    return number


def duplicate(number: int) -> int:
    """Return another number for what this one is open for."""
    copy = _open("/", os.O_RDONLY)
    opened[copy] = opened.get(number) or (number, number == 0, number > 0)
    return copy


def read(number: int, most: int) -> bytes:
    """Read as `os.read` does."""
    device, reads, _ = opened[number]
    if not reads:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if device == 0:
        return read_input(most)
    if device in ("zero", "full"):
        return bytes(most)
    return os.urandom(most) if device in ("random", "urandom") else b""


def write(number: int, data: Any) -> int:
    """Write as `os.write` does."""
    device, _, writes = opened[number]
    if not writes:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if device == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if device in (1, 2):
        return FrameWriter(STDOUT if device == 1 else STDERR).write(bytes(data))
    return memoryview(data).nbytes


def close(number: int) -> None:
    """Close as `os.close` does."""
    del opened[number]
    _close(number)


def status(device: int | str) -> os.stat_result:
    """Return what `os.stat` says of one."""
    at = 1 + list(PATHS.values()).index(device)
    if isinstance(device, str):
        return made_up(_CHARACTERS, at, rdev=_NUMBERS[device])
    return made_up(_PIPE, at)


def made_up(mode: int, number: int, size: int = 0, rdev: int = 0) -> os.stat_result:
    """Return what `os.stat` says of what lies on no file system."""
    nanoseconds = dict.fromkeys(("st_atime_ns", "st_mtime_ns", "st_ctime_ns"), 0)
    more = {**nanoseconds, "st_blksize": 4096, "st_blocks": 0, "st_rdev": rdev}
    return os.stat_result((mode, number, 0, 1, 0, 0, size, 0, 0, 0), more)


def close_open(number: int) -> None:
    """Close one, unless it is closed."""
    if number in opened:
        close(number)


class DeviceStream(io.RawIOBase):
    """An open one as a stream of bytes."""

    def __init__(self, number: int, name: Any, mode: str, *, closefd: bool = True) -> None:
        super().__init__()
        self._number, self._closes = number, closefd
        self.name, self.mode = name, mode

    def fileno(self) -> int:
        if self.closed:
            message = "I/O operation on closed file"
            raise ValueError(message)
        return self._number

    def readable(self) -> bool:
        return opened[self._number][1]

    def writable(self) -> bool:
        return opened[self._number][2]

    def seekable(self) -> bool:
        return isinstance(opened[self._number][0], str)

    def seek(self, offset: int, whence: int = 0) -> int:
        if not self.seekable():
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
        return 0

    def truncate(self, size: int | None = None) -> int:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def readinto(self, buffer: Any) -> int:
        data = read(self._number, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return write(self._number, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._closes:
                close_open(self._number)
