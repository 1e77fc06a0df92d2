"""What a sandbox process has to reach."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


class Access(NamedTuple):
    """What a sandbox process has to reach: all else is refused.

    Those of `read` and `write` that are `nofollow` too are folders whose paths lead through no
    link; where one does when the process starts, it is not reached.
    """

    program: Path
    read: tuple[Path, ...]
    write: tuple[Path, ...] = ()
    nofollow: frozenset[Path] = frozenset()
