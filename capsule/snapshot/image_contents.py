"""The memory that a compiled image holds, found in its file: what a state differs from."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import weakref
from threading import Lock

from capsule.errors import ToolchainError
from capsule.snapshot.changed_pages import STACK_TOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, Protocol

    class Bytes(Protocol):
        """What parts of are taken."""

        def __getitem__(self, part: slice, /) -> bytes: ...


# Of ELF with 64 bits, little-endian: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_MAGIC = b"\x7fELF\x02\x01"
# Where wasmtime puts the data of a module, in one piece.
_DATA = b".rodata.wasm"


def _pread_of_c() -> Any:
    """Return what reads at a place, and keeps Python's lock.

    Of `os.pread` the lock goes to another thread each time, hundreds of times for a turn.
    """
    if not hasattr(os, "pread"):
        return _pread_by_seek
    call = ctypes.PyDLL(None, use_errno=True).pread
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64]
    call.restype = ctypes.c_ssize_t
    return call


def _pread_by_seek(file: int, room: Any, length: int, at: int) -> int:
    """Do the same on Windows, which has no call for it."""
    with _SEEKING:
        os.lseek(file, at, os.SEEK_SET)
        found = os.read(file, length)
    ctypes.memmove(room, found, len(found))
    return len(found)


_SEEKING = Lock()
_pread = _pread_of_c()


class ImageContents:
    """The memory of an image from `STACK_TOP` on; what lies behind its end is zero.

    It is read, and not mapped: of what many sessions look at, nothing stays in this program's
    memory. Usable from any thread. `close` it, or let go of it. Raises `ToolchainError` for a file
    that is none.
    """

    def __init__(self, image: Path) -> None:
        # Windows would take it for text.
        self._file = os.open(image, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._closing = weakref.finalize(self, os.close, self._file)
        try:
            with mmap.mmap(self._file, 0, access=mmap.ACCESS_READ) as mapped:
                self._begin, self.size = _section(mapped)
        except (struct.error, ValueError, IndexError) as wrong:
            self.close()
            raise ToolchainError(
                f"{image} is no compiled memory: {wrong}", hint="capsule cache prune --all"
            ) from None

    def __repr__(self) -> str:
        return f"<ImageContents of {self.size:,} bytes>"

    def read(self, address: int, length: int) -> bytes:
        """Return the bytes at an address of the memory, not below `STACK_TOP`."""
        at = address - STACK_TOP
        there = b""
        if (wanted := min(length, self.size - at)) > 0:
            room = ctypes.create_string_buffer(wanted)
            if (found := _pread(self._file, room, wanted, self._begin + at)) < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            if found != wanted:
                raise ToolchainError("the memory of a session's beginning is no longer whole")
            there = room.raw
        return there if len(there) == length else there + bytes(length - len(there))

    def reader(self, most: int) -> Callable[[int, int], Bytes]:
        """Return what reads as `read` does, into the same room each time, and for one thread.

        What it returns begins with the bytes, and holds until it is called again. `most` is the
        length that there is room for; more has its own.
        """
        # Parts of an array of characters are bytes, which its types do not say.
        room: Any = ctypes.create_string_buffer(most)

        def read(address: int, length: int) -> Bytes:
            at = address - STACK_TOP
            if length > most or at + length > self.size:
                return self.read(address, length)
            if _pread(self._file, room, length, self._begin + at) != length:
                # It says what is wrong.
                return self.read(address, length)
            found: Bytes = room
            return found

        return read

    def close(self) -> None:
        """Let go of the file."""
        self._closing()


def _section(file: mmap.mmap) -> tuple[int, int]:
    head = _HEADER.unpack_from(file)
    if not head[0].startswith(_MAGIC):
        raise ValueError("it is no ELF file of 64 bits")
    at, size, count, names = head[6], head[11], head[12], head[13]
    sections = [_SECTION.unpack_from(file, at + number * size) for number in range(count)]
    texts = sections[names][4]
    for name, _, _, _, offset, length, *_ in sections:
        begin = texts + name
        if file[begin : begin + len(_DATA) + 1] == _DATA + b"\0":
            return offset, length
    raise ValueError("it has no data")
