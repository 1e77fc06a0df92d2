"""Packages that came with an artifact: laid out and kept as if they had been fetched."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.packages import content
from capsule.packages.unpack import File
from capsule.packages.wanted import NOTHING, Packages
from capsule.toolstore import files, lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.progress import Progress

_UNFINISHED = ".new-"


def keep(home: Path, found: Mapping[str, bytes], progress: Progress) -> Packages:
    """Return a folder with just these files, by relative path, which were checked before.

    Raises `ToolchainError` when `home` cannot be written.
    """
    if not found:
        return NOTHING
    known = {
        path: File(len(data), hashlib.sha256(data).hexdigest()) for path, data in found.items()
    }
    digest = content.digest_of(known)
    shelf = home / "cache" / "packages"
    target = content.folder_of(shelf, digest)
    if not isinstance(content.look(target, digest), Path):
        with files.writing(shelf):
            files.make_private(shelf)
            with lock.locked(shelf / "lock", progress):
                if not isinstance(content.look(target, digest), Path):
                    _write(target, found, known)
    return Packages(target / content.SITE, digest, (), frozenset())


def _write(target: Path, found: Mapping[str, bytes], known: Mapping[str, File]) -> None:
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=target.parent))
    try:
        (made / content.SITE).mkdir(mode=files.PRIVATE)
        for path, data in found.items():
            place = made / content.SITE / path
            place.parent.mkdir(mode=files.PRIVATE, parents=True, exist_ok=True)
            place.write_bytes(data)
            place.chmod(files.DATA)
        content.finish(made, known)
        files.delete(target)
        made.rename(target)
    except BaseException:
        files.delete(made)
        raise
