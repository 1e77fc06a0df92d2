"""Lay the files of pure wheels out like site-packages. Nothing in them runs, now or here."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile

from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.packages.install_paths import Places, UnsafePathError, place
from capsule.packages.package_store import File
from capsule.packages.wheel import MOST_BYTES, MOST_FILES, is_native, opened, refused
from capsule.toolstore import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from capsule.packages.wheel import Wheel

_PIECE = 1 << 20
_ENCRYPTED = 1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# A wheel that grows by more, beyond a size that is no trouble, is there to fill a disk.
_RATIO = 100
_HARMLESS = 32 << 20


def _unwatched() -> None:
    """Let it go on."""


def unpack(
    wheels: Iterable[Wheel], site: Path, watch: Callable[[], None] = _unwatched
) -> dict[str, File]:
    """Write the files of `wheels` below the empty folder `site`; return them by their paths.

    `watch` is called for each file; what it raises ends the work.

    Raises `UsageError` for a wheel with unsafe paths, for two that disagree about a file, and for
    more than may be there; `OSError` when `site` cannot be written.
    """
    places = Places()
    written: dict[str, File] = {}
    left = MOST_BYTES
    for wheel in wheels:
        with opened(wheel.path) as archive:
            members = _members(archive, wheel)
            left -= sum(info.file_size for info, _ in members)
            if left < 0 or len(written) + len(members) > MOST_FILES:
                raise UsageError(
                    f"with {wheel.label}, the packages of the task are over "
                    f"{MOST_BYTES >> 20} MB or {MOST_FILES:,} files",
                    hint="depend on less",
                )
            for info, path in members:
                watch()
                try:
                    holder = places.take(path, wheel.label)
                except UnsafePathError as wrong:
                    raise refused(wheel.path, f"{shown(path)} {wrong}") from None
                if holder is None:
                    written[path] = _write(archive, info, site / path, wheel)
                elif _hashed(archive, info) != written[path]:
                    raise UsageError(
                        f"{holder} and {wheel.label} both bring {shown(path)}, and not the same",
                        hint="depend on one of the two",
                    )
    return written


def _members(archive: zipfile.ZipFile, wheel: Wheel) -> list[tuple[zipfile.ZipInfo, str]]:
    """Return what is written of a wheel and where; all of it is looked at before any of it is."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    found = []
    seen = set()
    for info in infos:
        name = info.filename
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            raise refused(wheel.path, f"{shown(name)} is a link or a device")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise refused(wheel.path, f"{shown(name)} is encrypted or packed in an unusual way")
        if name in seen:
            raise refused(wheel.path, f"{shown(name)} is there twice")
        seen.add(name)
        try:
            path = place(name)
        except UnsafePathError as wrong:
            raise refused(wheel.path, f"{shown(name)} {wrong}") from None
        if path is not None and not (wheel.stripped and is_native(path)):
            found.append((info, path))
    whole = sum(info.file_size for info in infos)
    packed = wheel.path.stat().st_size
    if whole > _HARMLESS and whole > packed * _RATIO:
        raise refused(wheel.path, f"it grows from {packed:,} to {whole:,} bytes")
    return found


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, wheel: Wheel) -> File:
    target.parent.mkdir(mode=files.PRIVATE, parents=True, exist_ok=True)
    hasher = hashlib.sha256()
    size = 0
    with archive.open(info) as reader, target.open("xb") as writer:
        # zipfile gives no more than the size it says, which was counted.
        while piece := reader.read(_PIECE):
            size += len(piece)
            hasher.update(piece)
            writer.write(piece)
    os.chmod(target, files.DATA)  # noqa: PTH101 - thousands of times
    if size != info.file_size:
        raise refused(wheel.path, f"{shown(info.filename)} is shorter than it says")
    return File(size, hasher.hexdigest())


def _hashed(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> File:
    hasher = hashlib.sha256()
    with archive.open(info) as reader:
        while piece := reader.read(_PIECE):
            hasher.update(piece)
    return File(info.file_size, hasher.hexdigest())
