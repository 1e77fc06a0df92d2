"""What an engine is: a few functions between a batch and the workers of a cluster.

An engine carries bytes. It knows neither items nor envelopes, and decides nothing about them: what
is in a chunk, what is tried again and what has come back twice is seen to by `EngineRun`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.engines.job import Job, NodeOptions
    from capsule.errors import CapsuleError

    Tell = Callable[["Arrival"], None]


class Arrival(NamedTuple):
    """What a cluster tells of: of the chunk `number`, its answer, or that it was lost.

    A chunk is lost when the process that had it is gone: nobody knows what of it has run. `trouble`
    ends the whole batch.
    """

    number: int
    answer: bytes | None = None
    trouble: CapsuleError | None = None


class Cluster(Protocol):
    """Workers that are there for one batch."""

    @property
    def slots(self) -> int:
        """How many runs go on at once on all of its workers now; it may change."""
        ...

    def submit(self, number: int, chunk: bytes) -> None:
        """Have a worker call `capsule.engines.node.run_chunk`; it is told of later, once."""
        ...

    def close(self) -> None:
        """Cancel what is at work, and let go of the cluster. Safe more than once."""


class ClusterEngine(Protocol):
    """Opens clusters.

    A chunk that was lost is begun `attempts` times in all; with `retry_lost` false, once.
    """

    attempts: int
    retry_lost: bool
    node: NodeOptions

    def open(self, job: Job, tell: Tell) -> Cluster:
        """Return the workers for a job; `tell` is called for what arrives, from any thread.

        Raises `CapsuleError` where there are none.
        """
        ...
