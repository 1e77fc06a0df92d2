"""The descriptors 0, 1 and 2 of a task: its own stdin, stdout and stderr; and those of devices.

The system's are the channel to the host, which a task that read from it would wait for, or break.
"""

from __future__ import annotations

import builtins
import errno
import io
import os

from capsule.shared.frames import STDERR, STDOUT
from capsule_guest import devices
from capsule_guest.builtin_functions import BuiltinFunction
from capsule_guest.streams import FrameWriter, read_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_open, _read, _write, _close = open, os.read, os.write, os.close
_KINDS = {1: STDOUT, 2: STDERR}
# Those that the task has closed.
_closed: set[int] = set()


class _Input(io.RawIOBase):
    """What `open(0)` reads from: the bytes that `sys.stdin` has not read yet."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = read_input(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _ours(descriptor: object) -> bool:
    return type(descriptor) is int and (0 <= descriptor <= 2 or descriptor in devices.opened)


def _check(descriptor: int, *allowed: int) -> None:
    if descriptor in _closed or descriptor not in allowed:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _open_any(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
    if not _ours(file):
        return _open(file, mode, buffering, *args, **kwargs)
    reads = not set(mode) & set("wax+")
    raw: Any
    if file in devices.opened:
        raw = devices.DeviceStream(file, file, mode, closefd=kwargs.get("closefd", True))
    else:
        _check(file, 0, 1, 2)
        _check(file, *((0,) if reads else (1, 2)))
        raw = _Input() if reads else FrameWriter(_KINDS[file])
    return _layered(raw, mode, buffering, *args, **kwargs)


def _layered(raw: Any, mode: str, buffering: int, *args: Any, **kwargs: Any) -> Any:
    """Return what `open` gives over a stream of bytes."""
    if "b" in mode and buffering == 0:
        return raw
    if "+" in mode and raw.seekable():
        kind: Any = io.BufferedRandom
    else:
        kind = io.BufferedWriter if set(mode) & set("wax+") else io.BufferedReader
    buffered = kind(raw)
    if "b" in mode:
        return buffered
    names = ("encoding", "errors", "newline")
    options: Any = {name: kwargs.get(name) for name in names} | dict(zip(names, args, strict=False))
    options["encoding"] = options["encoding"] or "utf-8"
    text: Any = io.TextIOWrapper(buffered, **options, line_buffering=buffering == 1)
    text.mode = mode
    return text


def _read_any(fd: int, length: int, /) -> bytes:
    if not _ours(fd):
        return _read(fd, length)
    if length < 0:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    if fd in devices.opened:
        return devices.read(fd, length)
    _check(fd, 0)
    return read_input(length)


def _write_any(fd: int, data: Any, /) -> int:
    if not _ours(fd):
        return _write(fd, data)
    if fd in devices.opened:
        return devices.write(fd, data)
    _check(fd, 1, 2)
    return FrameWriter(_KINDS[fd]).write(bytes(data))


def _close_any(fd: int) -> None:
    if not _ours(fd):
        return _close(fd)
    if fd in devices.opened:
        return devices.close(fd)
    _check(fd, 0, 1, 2)
    _closed.add(fd)
    return None


def _no_terminal(fd: int = 1, /) -> os.terminal_size:
    """Raise what the system raises where there is no terminal."""
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def install() -> None:
    """Put what knows these descriptors in place, with `exit` and `quit`, which close none."""
    builtins.open = io.open = BuiltinFunction(_open_any, _open, "io")  # type: ignore[assignment]
    for function, below in ((_read_any, _read), (_write_any, _write), (_close_any, _close)):
        setattr(os, below.__name__, BuiltinFunction(function, below, "os"))
    os.get_terminal_size = _no_terminal
    for name in ("exit", "quit"):
        setattr(builtins, name, _Quitter(name))


class _Quitter:
    """`exit` and `quit`, as an interpreter has them at its prompt."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, code: object = None) -> None:
        raise SystemExit(code)

    def __repr__(self) -> str:
        return f"Use {self.__name__}() to exit"
