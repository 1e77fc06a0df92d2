"""A batch on a Ray cluster: one thread that talks to it, for a caller that waits for nothing."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ray
from ray import exceptions

from capsule.engines import ray_claims, ray_worker
from capsule.engines.cluster_thread import ClusterThread
from capsule.engines.engine import Arrival
from capsule.engines.ray_nodes import RayNodes
from capsule.engines.running_clock import RunningClock
from capsule.errors import EngineError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.engines.cluster_options import RayOptions
    from capsule.engines.engine import Tell
    from capsule.engines.job import Job

# After how many seconds in which its head does not answer a cluster is lost: after 60, Ray ends a
# program that is in it.
_SILENCE = 15.0
# How long a worker may take to end what was cancelled, and the head to forget, in seconds.
_GRACE = 5.0
# How often a chunk is given out again that nobody had begun.
_AGAIN = 20
# Raised where what had a task is gone, or what it returned is.
_LOST = (
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.ObjectLostError,
    exceptions.OutOfMemoryError,
)


class _Chunk(NamedTuple):
    """A chunk that is at work: its claim, if it has one, and its content then; how often lost."""

    reference: Any
    content: bytes
    claim: str | None
    lost: int


class RayCluster:
    """The nodes of a cluster, for one batch; see `Cluster`."""

    def __init__(self, options: RayOptions, job: Job, tell: Tell) -> None:
        self._options, self._job, self._tell = options, job, tell
        self._chunks: dict[int, _Chunk] = {}
        self._name = f"capsule-{uuid4().hex}"
        self._has_taken = False
        _joined.enter(options.address)
        try:
            self._begin()
        except BaseException:
            _joined.leave()
            raise

    def _begin(self) -> None:
        options, job = self._options, self._job
        self._memory = options.memory if options.memory is not None else job.ram
        needs = {"CPU": options.num_cpus, **options.resources}
        if self._memory:
            needs["memory"] = self._memory
        self._needs = needs
        taken: dict[str, Any] = {"num_cpus": options.num_cpus, "resources": dict(options.resources)}
        if self._memory:
            taken["memory"] = self._memory
        remote: Any = ray.remote(max_retries=0, retry_exceptions=False, **taken)
        self._run = remote(ray_worker.run_chunk)
        self._artifact = ray.put(job.artifact)
        self._clock = RunningClock()
        self._nodes_since = self._clock.now()
        self._is_lost = False
        self._nodes = RayNodes(needs, self._clock)
        self._thread = ClusterThread(self._tell, look=self._look, let_go=self._let_go, gone=_gone)
        self._thread.start()

    @property
    def slots(self) -> int:
        """How many runs go on at once on all of its nodes now."""
        return self._nodes.slots

    def submit(self, number: int, chunk: bytes) -> None:
        """Have a worker do a chunk."""
        self._thread.put(lambda: self._submit(number, chunk, 0))

    def close(self) -> None:
        """Cancel what is at work, and leave the cluster, if it was joined for this."""
        self._thread.close()

    def _submit(self, number: int, content: bytes, lost: int) -> None:
        claim = None if self._options.retry_lost else f"{self._name}-{number}-{lost}"
        # In a list it is not fetched before the worker asks for it.
        reference = self._run.remote(self._job.settings, content, [self._artifact], claim)
        # Ray has it, and what is lost with a worker that may have begun it is seen to elsewhere.
        kept = b"" if claim is None else content
        self._chunks[number] = _Chunk(reference, kept, claim, lost)
        done = reference.future()
        done.add_done_callback(lambda _: self._thread.put(lambda: self._done(number, done)))

    def _done(self, number: int, done: Any) -> None:
        """Take what came of a chunk. Raises `EngineError` for what ends the batch."""
        chunk = self._chunks.pop(number)
        try:
            answer = done.result()
        except _LOST:
            claim = chunk.claim
            if claim is None or chunk.lost >= _AGAIN:
                self._tell(Arrival(number))
            else:
                _aside(lambda: self._ask(number, chunk, claim))
            return
        except exceptions.RayTaskError as error:
            cause = error.cause
            said = " ".join(str(cause).split())
            if isinstance(cause, ModuleNotFoundError):
                raise EngineError(
                    f"a worker of the Ray cluster cannot do this: {said}",
                    hint="install this version of capsule where the nodes run",
                ) from None
            raise EngineError(f"a chunk failed: {type(cause).__name__}: {shown(said)}") from None
        self._tell(Arrival(number, answer))

    def _ask(self, number: int, chunk: _Chunk, claim: str) -> None:
        """See whether a chunk that was lost had been begun, in a thread of its own."""
        is_free = False
        # Without a head it may have been, and that is told of elsewhere.
        with suppress(Exception):
            is_free = ray_claims.take(claim)
        self._thread.put(lambda: self._again_or_lost(number, chunk, is_free=is_free))

    def _again_or_lost(self, number: int, chunk: _Chunk, *, is_free: bool) -> None:
        """Give a chunk out again whose claim no worker can get any more; else tell of its loss."""
        if is_free:
            self._has_taken = True
            self._submit(number, chunk.content, chunk.lost + 1)
        else:
            self._tell(Arrival(number))

    def _look(self) -> None:
        """Raise `EngineError` without a head, or nodes, for too long."""
        if self._nodes.silence > _SILENCE:
            self._is_lost = True
            raise EngineError(
                f"the Ray cluster is lost: its head at {self._nodes.head} has not answered for"
                f" {_SILENCE:g} s",
                hint="start it again",
            )
        now = self._clock.now()
        if self.slots:
            self._nodes_since = now
        elif now - self._nodes_since > self._options.wait:
            wanted = ", ".join(f"{name} {amount:g}" for name, amount in self._needs.items())
            raise EngineError(
                f"the Ray cluster has had no node with {wanted} for {self._options.wait:g} s",
                hint="ray start --address ADDRESS on each node",
            )

    def _let_go(self) -> None:
        """Cancel what is at work; leave the cluster, if it was joined for this."""
        self._nodes.close()
        # Nobody is there who would do it.
        at_work = [] if self._is_lost else [chunk.reference for chunk in self._chunks.values()]
        for reference in at_work:
            # Each by itself: where one cannot be, the others still can.
            with suppress(Exception):
                ray.cancel(reference)
        with suppress(Exception):
            if at_work:
                ray.wait(at_work, num_returns=len(at_work), timeout=_GRACE)
        # Those that were taken here stay, for workers that are only cut off.
        if not (self._options.retry_lost or self._is_lost or self._has_taken):
            _aside(lambda: ray_claims.forget(self._name)).join(_GRACE)
        with suppress(Exception):
            _joined.leave()


def _aside(work: Callable[[], object]) -> threading.Thread:
    """Do what asks the head in a thread of its own: it may wait for as long as there is none."""

    def once() -> None:
        with suppress(Exception):
            work()

    thread = threading.Thread(target=once, name="capsule-ray-claims", daemon=True)
    thread.start()
    return thread


class _Joined:
    """The cluster that this program is in: joined by the first batch, left with the last one.

    What the program has joined by itself stays.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches = 0

    def enter(self, address: str | None) -> None:
        """Join, unless this program is in one. Raises `EngineError`."""
        with self._lock:
            if not ray.is_initialized():
                _join(address)
                self._batches = 1
                return
            there = ray.get_runtime_context().gcs_address
            if address not in (None, "auto", there):
                raise EngineError(
                    f"this program is in the Ray cluster at {there}, and not in that at {address}",
                    hint="Ray() for the one that it is in; ray.shutdown() leaves it",
                )
            if self._batches:
                self._batches += 1

    def leave(self) -> None:
        """Leave, where nobody else of ours is in it."""
        with self._lock:
            if self._batches:
                self._batches -= 1
                if not self._batches:
                    ray.shutdown()


_joined = _Joined()


def _join(address: str | None) -> None:
    try:
        ray.init(
            address or "auto",
            log_to_driver=False,
            configure_logging=False,
            ignore_reinit_error=True,
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        said = " ".join(str(error).split())
        raise EngineError(
            f"no Ray cluster answers{f' at {address}' if address else ' on this machine'}:"
            f" {shown(said)}",
            hint="ray start --head, and ray start --address ADDRESS on each node",
        ) from None


def _gone(error: BaseException) -> EngineError:
    said = " ".join(str(error).split())[:200]
    return EngineError(
        f"the Ray cluster is lost: {type(error).__name__}: {said}", hint="start it again"
    )
