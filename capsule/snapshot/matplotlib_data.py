"""matplotlib's fonts and styles, which it reads from real files.

The standard library's archive holds them in an archive of their own. They are unpacked once, and
mounted where matplotlib looks: below its own path inside the archive.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from capsule.process.argv import STDLIB_GUEST, Mount
from capsule.snapshot import cache
from capsule.toolstore import extract
from capsule.toolstore.layout import STDLIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Progress
    from capsule.toolstore.toolchain import Toolchain
    from capsule.toolstore.toolchain_lock import Lease

_INSIDE = "matplotlib/mpl-data"
_ARCHIVE = f"{_INSIDE}.zip"
_HINT = "capsule toolchain verify"


def data_mount(home: Path, toolchain: Toolchain, progress: Progress) -> tuple[Mount, Lease | None]:
    """Return the mount of matplotlib's data and a lease on it, unpacking it first if need be.

    Raises `ToolchainError` when it cannot be unpacked.
    """
    archive = toolchain.root / STDLIB
    entry = cache.obtain(
        home / "cache" / "matplotlib",
        cache.key(toolchain.portable.encode()),
        lambda folder: _unpack(archive, folder),
        progress,
    )
    place = f"{STDLIB_GUEST}/{archive.name}/{_INSIDE}"
    return Mount(entry.folder, place, writable=False), entry.lease


def _unpack(archive: Path, folder: Path) -> cache.Facts:
    with tempfile.TemporaryDirectory(prefix="capsule-") as scratch:
        with zipfile.ZipFile(archive) as outer:
            inner = Path(outer.extract(_ARCHIVE, scratch))
        with extract.opened(inner, hint=_HINT) as data:
            data.extractall(folder)
    return {}
