"""The folders of one run: what a sandbox may only read is out of its reach to change."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from capsule.confine.nofollow import has_no_links
from capsule.confine.scratch import WORKING
from capsule.errors import PolicyError
from capsule.process.argv import private_mounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.confine.scratch import Scratch
    from capsule.process.argv import Mount

# What is mounted below is of the interpreter's, and no list of the task's folders has it.
_OURS = "/usr/"


@contextmanager
def mounted(
    mounts: Sequence[Mount], layers: IsolationLayers, scratch: Scratch
) -> Iterator[tuple[Mount, ...]]:
    """Give the mounts for a run behind `layers`, with `scratch` as its `/` and `/tmp`.

    What had to be copied for it counts as what is in there, and is deleted after; a file that may
    be written is copied back before.

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
        given = [_mounted(mount, layers, copies) for mount in folders]
        for shown, mount in zip(given, folders, strict=True):
            if shown.host != mount.host:
                scratch.watch(shown.host)
            if not mount.guest.startswith(_OURS):
                scratch.show(mount.guest)
        if files:
            from capsule.process.file_copies import copied  # few runs are given files

            given += copies.enter_context(copied(files, scratch))
            for mount in files:
                scratch.show(mount.guest.rpartition("/")[0])
        yield (*given, *private_mounts(scratch))


def _mounted(mount: Mount, layers: IsolationLayers, copies: ExitStack) -> Mount:
    if mount.nofollow and not has_no_links(mount.host):
        raise PolicyError(
            f"the folder {mount.guest} was moved while the run went on: a link is in its place now"
        )
    if mount.writable or (layers.landlock and layers.seccomp):
        return mount
    from capsule.confine import readonly_copies  # where the kernel does not see to it

    shown = copies.enter_context(
        readonly_copies.read_only(mount.host, layers, mount.guest, nofollow=mount.nofollow)
    )
    # A copy lies where the system keeps temporary files, and links may lead there.
    return mount._replace(host=shown, nofollow=mount.nofollow and shown == mount.host)
