"""A table of files, as one packed section: how many, then path and content of each.

Numbers, names and contents are written as WebAssembly writes them. In front of the zlib stream
stands how many bytes it unpacks to.
"""

from __future__ import annotations

import zlib

from capsule import wasm
from capsule.artifact.contents import HARMLESS, MAX_PATH, MAX_RATIO
from capsule.artifact.errors import ArtifactError
from capsule.artifact.inflate import Inflated
from capsule.artifact.member_paths import check_path, check_together
from capsule.message_text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capsule.artifact.contents import Bounds

# zlib's usual level, and none for what would get too small to be believed.
_LEVEL, _STORED = 6, 0


def pack(files: Mapping[str, bytes], bounds: Bounds) -> bytes:
    """Return the body of a section that holds `files`; the same files give the same bytes.

    Raises `ArtifactError` when they are more than `bounds` allow, or a path is not allowed.
    """
    try:
        _check_count(len(files), bounds)
        total = 0
        for path, content in files.items():
            check_path(path)
            total = _added(total, path, len(content), bounds)
        check_together(files, folders=bounds.files, on_disk=bounds.on_disk)
    except ArtifactError as error:
        raise error.of(bounds.what) from None
    packed = _packed(files, _LEVEL)
    try:
        _check_ratio(len(packed), wasm.read_uleb(packed, 0, len(packed))[0])
    except ArtifactError:
        return _packed(files, _STORED)
    return packed


def _packed(files: Mapping[str, bytes], level: int) -> bytes:
    packer = zlib.compressobj(level)
    packed, size = [], 0
    for piece in _pieces(files):
        size += len(piece)
        packed.append(packer.compress(piece))
    return b"".join([wasm.uleb(size), *packed, packer.flush()])


def unpack(body: memoryview, bounds: Bounds) -> dict[str, bytes]:
    """Return the files that `pack` put into a section.

    Raises `ArtifactError` when they are not whole, are more than `bounds` allow or than is
    announced, or a path is not allowed. Lengths are checked before memory is taken.
    """
    try:
        return _unpacked(body, bounds)
    except ArtifactError as error:
        raise error.of(bounds.what) from None
    except wasm.MalformedModuleError as error:
        raise ArtifactError(f"{bounds.what}: {error.message}") from None


def _pieces(files: Mapping[str, bytes]) -> Iterator[bytes]:
    yield wasm.uleb(len(files))
    for path, content in sorted(files.items()):
        yield wasm.name(path) + wasm.uleb(len(content))
        yield content


def _unpacked(body: memoryview, bounds: Bounds) -> dict[str, bytes]:
    size, start = wasm.read_uleb(body, 0, len(body))
    if size > bounds.table:
        raise ArtifactError(f"{size:,} bytes are announced; at most {bounds.table:,} may be")
    _check_ratio(len(body), size)
    stream = Inflated(body[start:], size)
    count = stream.number()
    _check_count(count, bounds)
    files: dict[str, bytes] = {}
    total = 0
    for _ in range(count):
        path = _path(stream)
        if path in files:
            raise ArtifactError(f"the path {shown(path)} stands twice")
        length = stream.number()
        total = _added(total, path, length, bounds)
        files[path] = stream.take(length)
    stream.finish()
    check_together(files, folders=bounds.files, on_disk=bounds.on_disk)
    return files


def _check_ratio(packed: int, size: int) -> None:
    """Refuse what unpacks to very much more than it is."""
    if size > max(HARMLESS, packed * MAX_RATIO):
        raise ArtifactError(
            f"{packed:,} bytes unpack to {size:,}; at most {MAX_RATIO} times as much may be"
        )


def _path(stream: Inflated) -> str:
    length = stream.number()
    if length > MAX_PATH:
        raise ArtifactError(f"a path has {length:,} bytes; at most {MAX_PATH} may be")
    encoded = stream.take(length)
    try:
        path = encoded.decode()
    except UnicodeDecodeError:
        raise ArtifactError(f"the path {shown(encoded)} is not UTF-8") from None
    check_path(path)
    return path


def _check_count(count: int, bounds: Bounds) -> None:
    if count > bounds.files:
        raise ArtifactError(f"there are {count:,} files; at most {bounds.files:,} may be")


def _added(total: int, path: str, length: int, bounds: Bounds) -> int:
    if length > bounds.each:
        raise ArtifactError(
            f"the file {shown(path)} has {length:,} bytes; at most {bounds.each:,} may be"
        )
    if total + length > bounds.total:
        raise ArtifactError(
            f"with {shown(path)} the files are {total + length:,} bytes;"
            f" at most {bounds.total:,} may be"
        )
    return total + length
