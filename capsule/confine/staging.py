"""Folders that a sandbox reads and must not change, where the kernel cannot see to that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.confine.walls import Walls


@contextmanager
def read_only(folder: Path, walls: Walls) -> Iterator[Path]:
    """Give a path to `folder` that a sandbox can be shown.

    Behind Landlock it is the folder itself. Elsewhere it is a private copy: WASI knows no folder
    that is only read, and permissions stop neither an owner, who may delete in the folder, nor
    root. What the sandbox does to the copy ends with it.
    """
    if walls.landlock:
        yield folder
        return
    import shutil
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="capsule-", ignore_cleanup_errors=True) as private:
        copy = Path(private, folder.name)
        shutil.copytree(folder, copy)
        yield copy
