"""Dask as an engine: a scheduler that runs already, and its workers.

Chunks are tasks of Dask's, so that it says where each runs, by its own load and resources. Dask
itself gives the tasks of a dead worker to another, and gives up those with which several have died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.engines.awaited_batch import AwaitedEngineBatch
from capsule.engines.cluster_options import DaskOptions, node_options, resources_of
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


class Dask:
    """Does batches on the workers of a Dask scheduler: `Dask("tcp://scheduler:8786")`.

    In place of an address, a `distributed.Client` of your own, as for TLS; it stays open. `home` is
    where nodes keep their state, in place of what `CAPSULE_HOME` is there, and `toolchain` a file
    on each node that `capsule toolchain export` wrote, for nodes without a package index.
    `resources` are what a run takes of a worker's (`--resources` of `dask worker`). A batch waits
    `wait` seconds for workers, where there are none. With `retry_lost` false, what a dead worker
    had begun is not begun again: its items fail with `sandbox_crashed`.

    Raises `EngineError` where distributed is not installed.

    >>> Dask("tcp://127.0.0.1:8786")
    Dask('tcp://127.0.0.1:8786')
    """

    # Once more than Dask itself, which has begun it several times by then.
    attempts = 2

    @options_of
    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        address: str | Any,
        *,
        home: str | os.PathLike[str] | None = None,
        toolchain: str | os.PathLike[str] | None = None,
        resources: Mapping[str, float] | None = None,
        wait: float = 120.0,
        retry_lost: bool = True,
    ) -> None:
        check_installed("dask")
        if not address:
            raise UsageError(
                f"Dask({shown(address)}): the address of a scheduler is needed",
                hint='Dask("tcp://scheduler:8786")',
            )
        if getattr(address, "asynchronous", False):
            raise UsageError(
                "Dask: a Client(asynchronous=True) answers in the loop that it was made in alone",
                hint="the address of the scheduler, or a Client without it",
            )
        seconds_of("wait", wait)
        switch("retry_lost", retry_lost)
        self._options = DaskOptions(address, resources_of(resources), wait, retry_lost)
        self.retry_lost = retry_lost
        self.node = node_options(home, toolchain)

    def __repr__(self) -> str:
        return f"Dask({self._options.address!r})"

    def open(self, job: Job, tell: Tell) -> Cluster:
        """Connect to the scheduler. Raises `EngineError` where none answers."""
        from capsule.engines.dask_cluster import DaskCluster  # imports distributed

        return DaskCluster(self._options, job, tell)

    def batch(self, asked: BatchRequest) -> AwaitedEngineBatch:
        """Return a batch for a program that awaits."""
        return AwaitedEngineBatch(self, asked)

    def thread_batch(self, asked: BatchRequest) -> ThreadedEngineBatch:
        """Return a batch for a program that does not await."""
        return ThreadedEngineBatch(self, asked)
