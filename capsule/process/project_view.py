"""The whole project in a sandbox's working folder: a copy that can only be read.

Names that begin with a dot and virtual environments are left out, at any depth: keys lie there, and
programs of the host. A copy, as a sandbox is shown folders with all that is in them.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

from capsule.errors import PolicyError
from capsule.message_text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.confine.scratch import Scratch

MAX_BYTES = 256 << 20
MAX_ENTRIES = 10_000
_READ_FILE, _READ_FOLDER = 0o444, 0o555
_VENV = "pyvenv.cfg"
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_FILE |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def copy_into(scratch: Scratch, project: Path) -> None:
    """Copy what a task may see of `project` into its working folder.

    Raises `PolicyError` for a project that is too large, or that cannot be copied; nothing has run
    then.
    """
    copying = _Copying(project)
    try:
        copying.copy(project, scratch.working)
        for folder in copying.folders:
            folder.chmod(_READ_FOLDER)
    except OSError as error:
        raise PolicyError(f"the project cannot be copied for './': {error.strerror}") from error
    scratch.allow(copying.entries, copying.size)


class _Copying:
    """What has been copied of a project so far; `size` is in bytes."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self.entries = self.size = 0
        self.folders: list[Path] = []

    def copy(self, source: Path, target: Path) -> None:
        pending = [(os.fspath(source), target)]
        while pending:
            folder, place = pending.pop()
            with os.scandir(folder) as found:
                entries = [entry for entry in found if not entry.name.startswith(".")]
            if folder != os.fspath(source):
                if any(entry.name == _VENV for entry in entries):
                    continue
                place.mkdir()
                self.folders.append(place)
                self._count(0)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, place / entry.name))
                elif entry.is_symlink():
                    self._count(0)
                    (place / entry.name).symlink_to(os.readlink(entry.path))  # noqa: PTH115
                elif entry.is_file(follow_symlinks=False):
                    self._copy_file(entry.path, place / entry.name)

    def _copy_file(self, source: str, target: Path) -> None:
        with os.fdopen(os.open(source, _FILE), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return
            self._count(status.st_size)
            with target.open("xb") as copy:
                shutil.copyfileobj(file, copy)
        target.chmod(_READ_FILE)

    def _count(self, size: int) -> None:
        self.entries += 1
        self.size += size
        if self.entries > MAX_ENTRIES or self.size > MAX_BYTES:
            raise PolicyError(
                f"'./' is copied for each run, and {printable(str(self._project))} has more than"
                f" {MAX_BYTES >> 20} MB or {MAX_ENTRIES:,} files and folders",
                hint='grant the folders that the task needs: allowed_files=["./data"]',
            )
