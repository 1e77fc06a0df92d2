"""A batch over an engine for a program that does not await, in the thread that iterates."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from capsule.engines.engine_run import EngineRun
from capsule.process.cancel import Cancellation
from capsule.sdk.thread_batch import OVER

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Any

    from capsule.engines.engine import Arrival, ClusterEngine
    from capsule.sdk.engine import BatchRequest
    from capsule.sdk.envelope import Envelope


class ThreadedEngineBatch:
    """Gives a batch's items to an engine; `close` ends what is at work."""

    def __init__(self, engine: ClusterEngine, asked: BatchRequest) -> None:
        self._run = EngineRun(engine, asked)
        self._arrivals: SimpleQueue[Arrival | None] = SimpleQueue()
        self._opening = Cancellation()
        self._closing = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<ThreadedEngineBatch {self._run!r}>"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        return self._closed

    def results(self, items: Iterable[Any]) -> Generator[Envelope]:
        """Give the envelopes in the order in which they come back.

        Items are taken a few chunks ahead of their runs. Raises what `items` raises, `CapsuleError`
        where the engine cannot do the batch, and `RuntimeError` when it was closed in between.
        """
        run, coming = self._run, enumerate(items)
        try:
            run.open(self._arrivals.put, self._opening)
            more = True
            while more or not run.is_empty:
                while more and run.has_room and not self._closed:
                    found = next((each for each in coming if not run.is_left_out(*each)), None)
                    more = found is not None
                    refused = None if found is None else run.take(*found)
                    if refused is not None:
                        yield refused
                    while not self._arrivals.empty():
                        yield from self._next()
                if more or not run.is_empty:
                    yield from self._next()
        finally:
            self.close()

    def close(self) -> None:
        """End what is at work, and let go of the cluster."""
        self._opening.cancel()
        self._closed = True
        self._arrivals.put(None)
        with self._closing:
            self._run.close()
            self._opening.close()

    def _next(self) -> list[Envelope]:
        """Wait for what comes next. Raises `RuntimeError` when it is closed."""
        arrival = self._arrivals.get()
        if arrival is None:
            raise RuntimeError(OVER)
        return self._run.arrived(arrival)
