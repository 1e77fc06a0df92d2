"""Folders that a sandbox reads and must not change, where the kernel cannot see to that."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from capsule.confine.erase import erase
from capsule.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.confine.walls import Walls

_READ_FILE, _READ_FOLDER = 0o444, 0o555
# A copy for each run is no way to share more than this.
_MOST = 100_000


@contextmanager
def read_only(folder: Path, walls: Walls) -> Iterator[Path]:
    """Give a path to `folder` that a sandbox can be shown.

    Behind Landlock and a filter of system calls it is the folder itself. Elsewhere it is a private
    copy: WASI knows no folder that is only read, and permissions stop neither an owner, who may
    delete in the folder, nor root. What the sandbox does to the copy ends with it.

    Raises `PolicyError` when the folder cannot be copied whole; nothing has run then.
    """
    if walls.landlock and walls.seccomp:
        yield folder
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="capsule-", ignore_cleanup_errors=True) as private:
        copy = Path(private, "copy")
        try:
            _copy(folder, copy)
        except OSError as error:
            raise PolicyError(
                f"{folder} is only to be read, and cannot be copied for that: {error.strerror}",
                hint="a smaller folder, or a system with Landlock: capsule doctor",
            ) from error
        try:
            yield copy
        finally:
            # Where no permission stops a sandbox it may have left anything there.
            erase(copy)


def _copy(folder: Path, target: Path) -> None:
    """Copy files, folders, and links as links; what is none of these stays away."""
    import shutil

    pending, made = [(folder, target)], []
    count = 0
    while pending:
        source, copy = pending.pop()
        copy.mkdir()
        made.append(copy)
        with os.scandir(source) as entries:
            for entry in entries:
                count += 1
                if count > _MOST:
                    raise PolicyError(
                        f"{folder} has more than {_MOST:,} files, and is copied for each run here",
                        hint="a smaller folder, or a system with Landlock: capsule doctor",
                    )
                place = copy / entry.name
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    pending.append((Path(entry.path), place))
                elif stat.S_ISLNK(mode):
                    place.symlink_to(Path(entry.path).readlink())
                elif stat.S_ISREG(mode):
                    shutil.copyfile(entry.path, place)
                    place.chmod(_READ_FILE)
    for copy in made:
        copy.chmod(_READ_FOLDER)
