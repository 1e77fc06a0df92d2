"""The folders of one run: what a sandbox may only read is out of its reach to change."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from capsule.confine import staging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from capsule.confine.walls import Walls
    from capsule.process.argv import Mount


@contextmanager
def mounted(mounts: Iterable[Mount], walls: Walls) -> Iterator[tuple[Mount, ...]]:
    """Give the mounts for a run behind `walls`; what had to be copied for it is deleted after."""
    with ExitStack() as copies:
        yield tuple(
            mount
            if mount.writable
            else mount._replace(host=copies.enter_context(staging.read_only(mount.host, walls)))
            for mount in mounts
        )
