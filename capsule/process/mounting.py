"""The folders of one run: what a sandbox may only read is out of its reach to change."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from capsule.confine import staging
from capsule.process.argv import tmp_mount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capsule.confine.scratch import Scratch
    from capsule.confine.walls import Walls
    from capsule.process.argv import Mount


@contextmanager
def mounted(mounts: Iterable[Mount], walls: Walls, scratch: Scratch) -> Iterator[tuple[Mount, ...]]:
    """Give the mounts for a run behind `walls`, with `scratch` as its `/tmp`.

    What had to be copied for it counts as what is in `/tmp`, and is deleted after.
    """
    with ExitStack() as copies:
        given = [tmp_mount(scratch)]
        for mount in mounts:
            host = mount.host
            if not mount.writable:
                host = copies.enter_context(staging.read_only(mount.host, walls))
            if host != mount.host:
                scratch.watch(host)
            given.insert(-1, mount._replace(host=host))
        yield tuple(given)
