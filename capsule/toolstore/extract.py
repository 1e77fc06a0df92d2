"""Take named files out of a wheel, or of an exported toolchain, as if the file were hostile.

A wheel is checked against its pin before it gets here; an import is not. Both go through the same
door: only names that were asked for, at the sizes and hashes that were asked for.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from contextlib import contextmanager

from capsule.errors import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from capsule.toolstore.pins import Member

_PIECE = 1 << 20
_ENCRYPTED = 1


@contextmanager
def opened(path: Path, *, hint: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose names are all safe and unique.

    Raises `ToolchainError`, with `hint`, for that and for any damage found while it is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_unsafe(archive, path, hint)
            yield archive
    # What zipfile raises for damage, encryption, and methods that it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ToolchainError(f"{path} is damaged: {error}", hint=hint) from error


def take(
    archive: zipfile.ZipFile,
    member: Member,
    target: Path,
    *,
    hint: str,
    moved: Callable[[int], None] = lambda _: None,
) -> None:
    """Write one member to the new file `target`, held to its pinned size and SHA-256.

    `moved` is told the size in bytes of every piece that is written. Raises `ToolchainError` when
    the member is not what it is pinned to be; `target` is then incomplete, its owner removes it.
    """
    where = f"{member.path} in {archive.filename}"
    try:
        info = archive.getinfo(member.path)
    except KeyError as error:
        raise ToolchainError(f"{where} is missing", hint=hint) from error
    if info.file_size != member.size:
        raise ToolchainError(
            f"{where} is not the pinned file: expected {member.size:,} bytes, "
            f"found {info.file_size:,}",
            hint=hint,
        )
    hasher = hashlib.sha256()
    done = 0
    with archive.open(info) as reader, target.open("xb") as writer:
        while piece := reader.read(_PIECE):
            done += len(piece)
            # The size above is only what the archive says of itself.
            if done > member.size:
                raise ToolchainError(
                    f"{where} holds more than the {member.size:,} bytes that it says", hint=hint
                )
            hasher.update(piece)
            writer.write(piece)
            moved(len(piece))
    if hasher.hexdigest() != member.sha256:
        raise ToolchainError(
            f"{where} is not the pinned file: expected SHA-256 {member.sha256}, "
            f"found {hasher.hexdigest()}",
            hint=hint,
        )


def _refuse_unsafe(archive: zipfile.ZipFile, path: Path, hint: str) -> None:
    seen: set[str] = set()
    for info in archive.infolist():
        name = info.filename
        parts = name.rstrip("/").split("/")
        if any(sign in name for sign in "\\:\0") or {"", ".", ".."} & set(parts):
            what = "a path that leads out of its folder"
        elif stat.S_ISLNK(info.external_attr >> 16):
            what = "a symlink"
        elif info.flag_bits & _ENCRYPTED:
            what = "an encrypted file"
        elif name in seen:
            what = "two files of one name"
        else:
            seen.add(name)
            continue
        raise ToolchainError(f"{path} is refused, it holds {what}: {name!r}", hint=hint)
