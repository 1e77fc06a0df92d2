"""What a program says of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class DaskOptions(NamedTuple):
    """A scheduler's address, or a client of the program's own, and what a run takes of a worker.

    `wait` is how long a batch waits for workers, in seconds, where there are none.
    """

    address: Any
    resources: Mapping[str, float]
    wait: float
    retry_lost: bool


class RayOptions(NamedTuple):
    """A cluster's address, None for that of this machine, and what a run takes of a node.

    `memory` is in bytes, None for what the task may use; `wait` is that of `DaskOptions`.
    """

    address: str | None
    num_cpus: float
    memory: int | None
    resources: Mapping[str, float]
    wait: float
