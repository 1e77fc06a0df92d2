"""The whole project in a sandbox's working folder: a copy that can only be read.

Names that begin with a dot and virtual environments are left out, at any depth: keys lie there, and
programs of the host. A copy, as a sandbox is shown folders with all that is in them.
"""

from __future__ import annotations

import os

from capsule.confine.readonly_copies import copy_tree
from capsule.errors import PolicyError
from capsule.message_text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.confine.scratch import Scratch

MAX_BYTES = 256 << 20
MAX_ENTRIES = 10_000
_VENV = "pyvenv.cfg"


def copy_into(scratch: Scratch, project: Path) -> None:
    """Copy what a task may see of `project` into its working folder.

    Raises `PolicyError` for a project that is too large, or that cannot be copied; nothing has run
    then.
    """
    counted = _Count(project)
    try:
        copy_tree(project, scratch.working, counted, _shows)
    except OSError as error:
        raise PolicyError(f"the project cannot be copied for './': {error.strerror}") from error
    scratch.allow(counted.entries, counted.size)


def _shows(folder: Path, name: str) -> bool:
    return not name.startswith(".") and not os.path.lexists(folder / name / _VENV)


class _Count:
    """What has been copied of a project so far; `size` is in bytes."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self.entries = self.size = 0

    def __call__(self, size: int | None) -> None:
        """Count one more, of so many bytes; None is nothing. Raises `PolicyError` at the bound."""
        if size is None:
            return
        self.entries += 1
        self.size += size
        if self.entries > MAX_ENTRIES or self.size > MAX_BYTES:
            raise PolicyError(
                f"'./' is copied for each run, and {printable(str(self._project))} has more than"
                f" {MAX_BYTES >> 20} MB or {MAX_ENTRIES:,} files and folders",
                hint='grant the folders that the task needs: allowed_files=["./data"]',
            )
