"""This machine as an engine: what a cluster does, in threads of this process.

It is what other engines are held to, and shows what the way over an engine costs by itself. A batch
without `engine=` does the same with less.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from capsule.engines import node
from capsule.engines.awaited_batch import AwaitedEngineBatch
from capsule.engines.engine import Arrival
from capsule.engines.job import NodeOptions
from capsule.engines.threaded_batch import ThreadedEngineBatch
from capsule.errors import CapsuleError, EngineError
from capsule.processors import usable_processors
from capsule.sdk.said_values import count_of

if TYPE_CHECKING:
    from capsule.engines.engine import Tell
    from capsule.engines.job import Job
    from capsule.sdk.engine import BatchRequest


class Local:
    """Does batches in `concurrency` threads of this program, as many as processors by default.

    >>> Local(concurrency=2)
    Local(concurrency=2)
    """

    attempts, retry_lost, node = 1, True, NodeOptions()

    def __init__(self, *, concurrency: int | None = None) -> None:
        if concurrency is not None:
            count_of("concurrency", concurrency, 1)
        self._slots = concurrency or usable_processors()

    def __repr__(self) -> str:
        return f"Local(concurrency={self._slots})"

    def open(self, job: Job, tell: Tell) -> _Threads:
        """Return threads for a job."""
        return _Threads(job, tell, self._slots)

    def batch(self, asked: BatchRequest) -> AwaitedEngineBatch:
        """Return a batch for a program that awaits."""
        return AwaitedEngineBatch(self, asked)

    def thread_batch(self, asked: BatchRequest) -> ThreadedEngineBatch:
        """Return a batch for a program that does not await."""
        return ThreadedEngineBatch(self, asked)


class _Threads:
    """Threads that do chunks until they are told to end."""

    def __init__(self, job: Job, tell: Tell, slots: int) -> None:
        self.slots = slots
        self._job, self._tell = job, tell
        self._chunks: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="capsule-local", daemon=True)
            for _ in range(slots)
        ]
        if node.lacks_artifact(job.settings):
            node.keep_artifact(job.settings, job.artifact)
        for thread in self._threads:
            thread.start()

    def submit(self, number: int, chunk: bytes) -> None:
        """Have a thread do a chunk."""
        self._chunks.put((number, chunk))

    def close(self) -> None:
        """End what is at work, and wait until the threads are gone."""
        self._closed = True
        for _ in self._threads:
            self._chunks.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (given := self._chunks.get()) is not None and not self._closed:
            number, chunk = given
            self._tell(self._done(number, chunk))

    def _done(self, number: int, chunk: bytes) -> Arrival:
        try:
            answer = node.run_chunk(
                self._job.settings, chunk, share=self.slots, wanted=lambda: not self._closed
            )
        except CapsuleError as error:
            return Arrival(number, trouble=error)
        except Exception as error:  # noqa: BLE001 - a defect of ours, which has to be told of
            said = f"a chunk failed: {type(error).__name__}: {error}"
            return Arrival(number, trouble=EngineError(said))
        return Arrival(number, answer)
