"""Take the wasmtime program out of a release archive, as if the archive were hostile.

Releases are `wasmtime-vX.Y.Z-SYSTEM.tar.xz`, and `.zip` for Windows: one folder with the program
and some texts. Nothing is unpacked but the program, by our own name, and nothing is run here.
"""

from __future__ import annotations

import lzma
import re
import struct
import tarfile
import zipfile

from capsule.errors import ToolchainError
from capsule.toolstore import extract, files
from capsule.toolstore.layout import WASMTIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

HINT = (
    "name a release of wasmtime for this system (wasmtime-vX.Y.Z-...tar.xz or .zip), or its program"
)

# The program of a release has 35 to 75 MB, its archive 10 to 15.
_PROGRAM = 512 << 20
_ARCHIVE = 128 << 20
# What an archive may unpack to; what xz may take to do it, where `xz -9` takes 65 MiB.
_UNPACKED = 1 << 30
_XZ_MEMORY = 256 << 20
# A zip's table of contents is read whole.
_CONTENTS = 1 << 20
# Long names and attributes, which are skipped.
_EXTENSION = 1 << 20
_MEMBERS = 10_000
_PIECE = 1 << 20
_SHORT = "it ends too soon"
_BLOCK = tarfile.BLOCKSIZE
_WHERE = re.compile(r"(?:\./)?[^/\\:]+/" + re.escape(WASMTIME))


def unpack(file: Path, target: Path) -> None:
    """Write the program of a release archive, or the program that `file` is, to the new `target`.

    Raises `ToolchainError` when there is none, and for what is damaged or larger than it can be.
    """
    with files.reading(file, hint=HINT):
        if not file.is_file():
            raise ToolchainError(f"{file} is no file that is there", hint=HINT)
        size = file.stat().st_size
        with file.open("rb") as reader:
            start = reader.read(6)
            reader.seek(0)
            packed = start.startswith(b"PK") or start == b"\xfd7zXZ\x00"
            if size > (most := _ARCHIVE if packed else _PROGRAM):
                raise _refused(file, f"it has {size:,} bytes, none has over {most:,}")
            if not packed:
                with target.open("xb") as writer:
                    _copy(reader, writer, file)
                return
            if start.startswith(b"PK"):
                _from_zip(file, reader, target)
            else:
                _from_tar(file, reader, target)
    if not target.exists():
        raise _refused(file, f"it has no FOLDER/{WASMTIME}")


def _refused(file: Path, what: str) -> ToolchainError:
    return ToolchainError(f"{file} is not taken for a wasmtime: {what}", hint=HINT)


def _copy(reader: IO[bytes], writer: IO[bytes], file: Path) -> None:
    done = 0
    while piece := reader.read(_PIECE):
        done += len(piece)
        if done > _PROGRAM:
            raise _refused(file, f"its program has over {_PROGRAM:,} bytes")
        writer.write(piece)


def _from_zip(file: Path, reader: IO[bytes], target: Path) -> None:
    _check_contents(file, reader)
    with extract.opened(file, hint=HINT) as archive:
        for info in archive.infolist():
            if not _WHERE.fullmatch(info.filename):
                continue
            if target.exists():
                raise _refused(file, f"it has two programs, one of them {info.filename!r}")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _refused(file, f"its program is packed in way {info.compress_type}")
            with archive.open(info) as member, target.open("xb") as writer:
                _copy(member, writer, file)


def _check_contents(file: Path, reader: IO[bytes]) -> None:
    """Refuse a zip whose table of contents is large: `zipfile` makes an object of each line."""
    size = file.stat().st_size
    reader.seek(max(0, size - (1 << 16) - 22))
    end = reader.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) - at < 22:
        raise _refused(file, "it is a damaged zip")
    (contents,) = struct.unpack_from("<L", end, at + 12)
    # A locator stands before the end of what is larger than a zip can say in 32 bits.
    if contents > _CONTENTS or b"PK\x06\x07" in end[max(0, at - 20) : at]:
        raise _refused(file, "its table of contents is larger than that of any release")


def _from_tar(file: Path, reader: IO[bytes], target: Path) -> None:
    """Read a tar to its end, so that the checks of xz are made of all of it.

    Not `tarfile.open`: it keeps what an attribute of a file says in memory, however long that is.
    """
    stream = _Unpacked(file, reader)
    members = 0
    try:
        while (block := stream.exactly(_BLOCK)) != bytes(_BLOCK):
            if (members := members + 1) > _MEMBERS:
                raise _refused(file, f"it has over {_MEMBERS:,} members")
            info = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
            if info.size < 0:
                raise _refused(file, f"{info.name!r} says that it has {info.size} bytes")
            if not _WHERE.fullmatch(info.name):
                if not info.isreg() and info.size > _EXTENSION:
                    raise _refused(file, f"{info.name!r} is no file and has {info.size:,} bytes")
                stream.skip(_padded(info.size))
                continue
            if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                raise _refused(file, f"{info.name!r} in it is a link, or no plain file")
            if target.exists():
                raise _refused(file, f"it has two programs, one of them {info.name!r}")
            if info.size > _PROGRAM:
                raise _refused(file, f"its program has over {_PROGRAM:,} bytes")
            with target.open("xb") as writer:
                stream.copy(info.size, writer)
            stream.skip(_padded(info.size) - info.size)
        stream.end()
    except (lzma.LZMAError, tarfile.HeaderError, EOFError, MemoryError) as error:
        raise _refused(file, f"it is damaged: {error}") from error


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


class _Unpacked:
    """What a file of xz unpacks to, a piece at a time, up to a bound."""

    def __init__(self, file: Path, reader: IO[bytes]) -> None:
        self._file = file
        self._reader = reader
        self._xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        self._held = b""
        self._at = 0
        self._done = 0

    def piece(self, most: int) -> bytes:
        """Return up to `most` bytes, at least one. Raises `EOFError` at the end."""
        while self._at == len(self._held):
            if self._xz.eof:
                raise EOFError(_SHORT)
            data = b""
            if self._xz.needs_input and not (data := self._reader.read(_PIECE)):
                raise EOFError(_SHORT)
            self._held, self._at = self._xz.decompress(data, _PIECE), 0
            self._done += len(self._held)
            if self._done > _UNPACKED:
                raise _refused(self._file, f"it unpacks to over {_UNPACKED:,} bytes")
        found = self._held[self._at : self._at + most]
        self._at += len(found)
        return found

    def exactly(self, size: int) -> bytes:
        """Return so many bytes, which are few."""
        found = b""
        while len(found) < size:
            found += self.piece(size - len(found))
        return found

    def copy(self, size: int, writer: IO[bytes]) -> None:
        """Write so many bytes."""
        while size:
            found = self.piece(min(size, _PIECE))
            writer.write(found)
            size -= len(found)

    def skip(self, size: int) -> None:
        """Leave so many bytes out."""
        while size:
            size -= len(self.piece(min(size, _PIECE)))

    def end(self) -> None:
        """Read on to the end, where xz compares its checks."""
        try:
            while True:
                self.piece(_PIECE)
        except EOFError:
            if not self._xz.eof:
                raise
