"""The folders of one run: those that it was granted, its own, and those with copies of files."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager

from capsule.confine.nofollow import has_no_links
from capsule.confine.scratch import WORKING
from capsule.errors import PolicyError
from capsule.process.argv import private_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capsule.confine.scratch import Scratch
    from capsule.process.argv import Mount

# What is mounted below is of the interpreter's, and no list of the task's folders has it.
_OURS = "/usr/"


@contextmanager
def mounted(mounts: Sequence[Mount], scratch: Scratch) -> Iterator[tuple[Mount, ...]]:
    """Give the mounts for a run, with `scratch` as its `/` and `/tmp`.

    Files are copied for it, which counts as what is in there; one that may be written is copied
    back when the run is over.

    Raises `PolicyError` when a folder cannot be mounted, or is not where it was any more; nothing
    has run then.
    """
    folders = [mount for mount in mounts if not mount.is_file and mount.guest != WORKING]
    files = [mount for mount in mounts if mount.is_file]
    with ExitStack() as copies:
        for mount in mounts:
            if mount.guest == WORKING:
                from capsule.process import project_view  # few tasks ask for it

                project_view.copy_into(scratch, mount.host)
        for mount in folders:
            if mount.nofollow and not has_no_links(mount.host):
                raise PolicyError(
                    f"the folder {mount.guest} was moved while the run went on: a link is in its"
                    " place now"
                )
            if not mount.guest.startswith(_OURS):
                scratch.show(mount.guest)
        given = folders
        if files:
            from capsule.process.file_copies import copied  # few runs are given files

            given = [*folders, *copies.enter_context(copied(files, scratch))]
            for mount in files:
                scratch.show(mount.guest.rpartition("/")[0])
        yield (*given, *private_mounts(scratch))


Place = tuple[int, int] | None


def places_of(mounts: Iterable[Mount]) -> tuple[Place, ...]:
    """Return where folders really are, by device and number: one made again is another one."""
    return tuple(_place(mount) for mount in mounts)


def _place(mount: Mount) -> Place:
    try:
        status = os.stat(mount.host)  # noqa: PTH116 - for each call, and pathlib takes twice as long
    except OSError:
        return None
    return status.st_dev, status.st_ino
