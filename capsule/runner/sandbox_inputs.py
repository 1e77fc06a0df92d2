"""What the sandboxes of a task are made of."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.snapshot.task_snapshot import Unfrozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.process.argv import Mount
    from capsule.snapshot.base_snapshot import Base
    from capsule.snapshot.task_code import Code
    from capsule.snapshot.task_snapshot import Frozen
    from capsule.toolstore.toolchain_lock import Lease


class RunInputs(NamedTuple):
    """A task's code, what runs share, and where snapshots are kept.

    `folders` and `variables` are those that the task may see. `frozen` and `behind` are what is
    known already of the task's snapshot and of that of its libraries: an artifact brings its own,
    and the tasks of one run take none twice. While `leases` are referred to, its packages stay.
    `fetched_ms` is what fetching them took of the time that the first attempt has. `natives` are
    the packages whose native code the task may need.
    """

    home: Path
    base: Base
    code: Code
    folders: tuple[Mount, ...] = ()
    variables: tuple[str, ...] = ()
    frozen: Frozen | Unfrozen | None = None
    behind: Frozen | Unfrozen | None = None
    leases: tuple[Lease | None, ...] = ()
    fetched_ms: int = 0
    natives: frozenset[str] = frozenset()

    @property
    def frozen_anyway(self) -> Unfrozen | None:
        """Why there is no snapshot on any interpreter, where that is known."""
        found = self.frozen
        return found if isinstance(found, Unfrozen) and not found.needs else None
