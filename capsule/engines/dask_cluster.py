"""A batch on a Dask scheduler: one thread that talks to it, for a caller that waits for nothing."""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import distributed
from distributed.scheduler import KilledWorker

from capsule.engines import dask_worker
from capsule.engines.cluster_thread import ClusterThread
from capsule.engines.engine import Arrival
from capsule.engines.running_clock import RunningClock
from capsule.errors import EngineError
from capsule.message_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capsule.engines.cluster_options import DaskOptions
    from capsule.engines.engine import Tell
    from capsule.engines.job import Job

_CONNECT_SECONDS = 10.0
_SCATTER_SECONDS = 5.0
# Bytes above which something is moved as data of the cluster, which may be lost with the worker
# that has it, and not inside of a task, which the scheduler keeps, but warns of from 10 MB on.
_LARGE = 8 << 20
# How often what was lost with the data that it needs is given out again: as often as Dask itself
# gives out what was lost with its worker.
_AGAIN = 3
# How a task ended that has returned nothing: workers that had it died, or the data that it needs,
# or that it was, is gone.
_KILLED, _GONE = "killed", "gone"
# How often in a row a node may lack what was sent to it.
_TRIES = 20


class DaskCluster:
    """The workers of a scheduler, for one batch; see `Cluster`."""

    def __init__(self, options: DaskOptions, job: Job, tell: Tell) -> None:
        self._options, self._job, self._tell = options, job, tell
        self.slots = 0
        self._name = f"capsule-{uuid4().hex[:12]}"
        # All that follows is this thread's own, once it is started.
        self._thread = ClusterThread(
            tell, look=self._look, let_go=self._let_go, gone=self._lost_scheduler
        )
        self._chunks: dict[int, tuple[bytes, Any]] = {}
        self._claims: dict[int, Any] = {}
        self._lost: dict[int, int] = {}
        # How often in a row data could not be put into the memory of a worker.
        self._unsent = 0
        # By node: the chunks that wait until it has the artifact.
        self._lacking: dict[str, list[int]] = {}
        self._sent: dict[str, int] = {}
        self._clock = RunningClock()
        self._workers_since = self._clock.now()
        self._client, self._is_own = self._connected(options.address)
        try:
            self._look()
        except EngineError:
            self._let_go()
            raise
        self._thread.start()

    def submit(self, number: int, chunk: bytes) -> None:
        """Have a worker do a chunk."""
        self._thread.put(lambda: self._submit(number, chunk))

    def close(self) -> None:
        """Cancel what is at work, and disconnect."""
        self._thread.close()

    @staticmethod
    def _connected(address: Any) -> tuple[Any, bool]:
        """Return a client, and whether it is ours to close."""
        if isinstance(address, distributed.Client):
            return address, False
        try:
            return distributed.Client(
                address, timeout=_CONNECT_SECONDS, set_as_default=False, name="capsule"
            ), True
        except (OSError, ValueError, TypeError) as error:  # no time left is an OSError
            raise _no_scheduler(address, error) from None

    def _submit(self, number: int, chunk: bytes) -> None:
        given: Any = chunk
        if len(chunk) > _LARGE:
            given = self._scattered(chunk, lambda: self._submit(number, chunk))
            if given is None:
                return
        claim = None
        if not self._options.retry_lost:
            # Never the same again: what is released is gone some time later.
            claim = f"{self._name}-{number}-{uuid4().hex[:6]}"
            queue = distributed.Queue(claim, client=self._client, maxsize=1)
            queue.put(1)
            self._claims[number] = queue
        future = self._client.submit(
            dask_worker.run_chunk,
            self._job.settings,
            given,
            claim,
            key=f"{self._name}-{number}-{uuid4().hex[:6]}",
            pure=False,
            resources=self._options.resources or None,
        )
        self._chunks[number] = chunk, future
        self._when_done(future, lambda: self._done(number, future))

    def _scattered(self, data: bytes, again: Callable[[], None]) -> Any:
        """Put data into the memory of a worker; None where that failed, and `again` is called.

        It fails with the worker that was to have it, and where there is none.
        """
        try:
            found = self._client.scatter(data, hash=False, timeout=_SCATTER_SECONDS)
        except OSError as error:
            # That there are workers is seen to elsewhere, and for how long.
            self._unsent += not isinstance(error, TimeoutError)
            if self._is_lost() or self._unsent > _TRIES:
                raise
            self._thread.put(again)
            return None
        self._unsent = 0
        return found

    def _when_done(self, future: Any, then: Callable[[], None]) -> None:
        future.add_done_callback(lambda _: self._thread.put(then))

    def _done(self, number: int, future: Any) -> None:
        """Take what came of a chunk."""
        if self._chunks.get(number, (b"", None))[1] is not future:
            return
        result = self._result_of(future)
        chunk, _ = self._chunks.pop(number)
        claim = self._claims.pop(number, None)
        kind, content, address = result
        if kind in {_KILLED, _GONE}:
            self._again_or_lost(number, chunk, claim, is_gone=kind == _GONE)
            return
        self._lost.pop(number, None)
        if claim is not None:
            claim.close()
        if kind == dask_worker.ANSWER:
            self._tell(Arrival(number, content))
            return
        if kind == dask_worker.FAILED:
            raise EngineError(f"a chunk failed on {shown(content)}")
        self._chunks[number] = chunk, None
        waiting = self._lacking.get(content)
        if waiting is not None:
            waiting.append(number)
            return
        self._lacking[content] = [number]
        self._send_artifact(content, address)

    def _again_or_lost(self, number: int, chunk: bytes, claim: Any, *, is_gone: bool) -> None:
        """Give a chunk out again, where that is as if it had never been; else tell of its loss."""
        lost = self._lost[number] = self._lost.get(number, 0) + 1
        if claim is None:
            again = is_gone and lost <= _AGAIN
        else:
            # Who gets the claim has what no worker can begin any more.
            again = lost <= _TRIES and bool(claim.get(batch=True))
            claim.close()
        if again:
            self._submit(number, chunk)
        else:
            self._lost.pop(number)
            self._tell(Arrival(number))

    def _result_of(self, future: Any) -> Any:
        """Return what a task returned, or how it was lost, in the same form.

        Raises `EngineError` for what ends the batch.
        """
        try:
            return future.result()
        except KilledWorker:
            return _KILLED, None, None
        except ModuleNotFoundError as error:
            raise EngineError(
                f"a worker of the Dask scheduler cannot do this: {error}",
                hint="install this version of capsule where the workers run",
            ) from None
        except (CancelledError, OSError) as error:
            # So it is too where data of the cluster went with the worker that had it.
            if not self._is_lost():
                return _GONE, None, None
            known = None if isinstance(error, CancelledError) else error
            raise self._lost_scheduler(known) from None
        finally:
            future.release()

    def _send_artifact(self, node: str, address: str) -> None:
        """Have the node of a worker keep the artifact: once, for all processes of it."""
        artifact = self._scattered(self._job.artifact, lambda: self._send_artifact(node, address))
        if artifact is None:
            return
        self._sent[node] = self._sent.get(node, 0) + 1
        if self._sent[node] > _TRIES:
            raise EngineError(f"the node {node} has lost the artifact {_TRIES} times")
        future = self._client.submit(
            dask_worker.keep_artifact,
            self._job.settings,
            artifact,
            workers=[address],
            # It may be gone by then: then another node asks again.
            allow_other_workers=True,
            key=f"{self._name}-artifact-{uuid4().hex[:6]}",
            pure=False,
        )

        def kept() -> None:
            trouble = self._result_of(future)
            # Where it was lost, they say so again.
            if isinstance(trouble, str):
                raise EngineError(f"a node cannot keep the task: {trouble}")
            for number in self._lacking.pop(node):
                chunk, _ = self._chunks.pop(number)
                self._submit(number, chunk)

        self._when_done(future, kept)

    def _look(self) -> None:
        """Count the workers' slots. Raises `EngineError` without any for too long."""
        if self._is_lost():
            raise self._lost_scheduler(None)
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except OSError as error:
            raise self._lost_scheduler(error) from None
        self.slots = sum(self._slots_of(worker) for worker in workers)
        now = self._clock.now()
        if self.slots:
            self._workers_since = now
        elif now - self._workers_since > self._options.wait:
            raise EngineError(
                f"the Dask scheduler {self._client.scheduler.address} has had no worker"
                f" {self._wanted_resources()}for {self._options.wait:g} s",
                hint="dask worker ADDRESS on each node",
            )

    def _slots_of(self, worker: dict[str, Any]) -> int:
        slots = int(worker["nthreads"])
        for name, amount in self._options.resources.items():
            slots = min(slots, int(worker["resources"].get(name, 0) // amount))
        return slots

    def _wanted_resources(self) -> str:
        wanted = self._options.resources
        return f"with the resources {wanted} " if wanted else ""

    def _is_lost(self) -> bool:
        """Say whether the scheduler is gone."""
        return str(self._client.status) != "running"

    def _lost_scheduler(self, error: BaseException | None) -> EngineError:
        said = "" if error is None else f": {' '.join(str(error).split())[:200]}"
        return EngineError(
            f"the Dask scheduler {self._options.address} is lost{said}",
            hint="start it again",
        )

    def _let_go(self) -> None:
        """Cancel what is at work; end the client, if it is ours."""
        with suppress(Exception):
            self._cancel(future for _, future in self._chunks.values() if future is not None)
        if self._is_own:
            with suppress(Exception):
                self._client.close(timeout=2)

    def _cancel(self, futures: Iterable[Any]) -> None:
        pending = list(futures)
        if pending and not self._is_lost():
            self._client.cancel(pending, force=True)


def _no_scheduler(address: object, error: BaseException) -> EngineError:
    """Return the error for a scheduler that does not answer."""
    said = " ".join(str(error).split()) or type(error).__name__
    return EngineError(
        f"no Dask scheduler answers at {address}: {shown(said)}",
        hint="dask scheduler, and dask worker ADDRESS on each node, or another address",
    )
