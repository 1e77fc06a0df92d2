"""Ray as an engine: a cluster that runs already, or one that this program has joined.

Chunks are tasks of Ray's, each in a worker process that Ray keeps for the next. Ray tries none of
them again by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.engines.awaited_batch import AwaitedEngineBatch
from capsule.engines.cluster_options import RayOptions, node_options, resources_of
from capsule.engines.missing import check_installed
from capsule.engines.threaded_batch import ThreadedEngineBatch
from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.sdk.said_values import options_of, seconds_of, switch

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from capsule.engines.engine import Cluster, Tell
    from capsule.engines.job import Job
    from capsule.sdk.engine import BatchRequest


class Ray:
    """Does batches on a Ray cluster: `Ray("10.0.0.1:6379")`, or `Ray()` for that of this machine.

    A program that has called `ray.init` uses what that joined. Each run takes `num_cpus` of a node,
    as much of its `memory` in bytes as the task's `ram` says, and `resources` of your own. `home`
    is where nodes keep their state, in place of what `CAPSULE_HOME` is there, and `toolchain` a
    file on each node that `capsule toolchain export` wrote, for nodes without a package index. A
    batch waits `wait` seconds for nodes, where there are none. With `retry_lost` false, what a dead
    worker had begun is not begun again: its items fail with `sandbox_crashed`.

    Raises `EngineError` where ray is not installed.

    >>> Ray("127.0.0.1:6379")
    Ray('127.0.0.1:6379')
    """

    attempts = 4

    @options_of
    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        address: str | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        toolchain: str | os.PathLike[str] | None = None,
        num_cpus: float = 1,
        memory: int | None = None,
        resources: Mapping[str, float] | None = None,
        wait: float = 120.0,
        retry_lost: bool = True,
    ) -> None:
        check_installed("ray")
        if address == "":
            raise UsageError("Ray(''): no address", hint='Ray("10.0.0.1:6379"), or Ray()')
        if not num_cpus > 0:
            raise UsageError(f"num_cpus={shown(num_cpus)}: more than 0 is needed")
        seconds_of("wait", wait)
        switch("retry_lost", retry_lost)
        self._options = RayOptions(
            address, num_cpus, memory, resources_of(resources), wait, retry_lost
        )
        self.retry_lost = retry_lost
        self.node = node_options(home, toolchain)

    def __repr__(self) -> str:
        address = self._options.address
        return f"Ray({'' if address is None else repr(address)})"

    def open(self, job: Job, tell: Tell) -> Cluster:
        """Join the cluster. Raises `EngineError` where there is none."""
        from capsule.engines.ray_cluster import RayCluster  # imports ray

        return RayCluster(self._options, job, tell)

    def batch(self, asked: BatchRequest) -> AwaitedEngineBatch:
        """Return a batch for a program that awaits."""
        return AwaitedEngineBatch(self, asked)

    def thread_batch(self, asked: BatchRequest) -> ThreadedEngineBatch:
        """Return a batch for a program that does not await."""
        return ThreadedEngineBatch(self, asked)
