"""A batch over an engine for a program that awaits, under asyncio and trio."""

from __future__ import annotations

from collections import deque
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from anyio import (
    BrokenResourceError,
    CancelScope,
    Event,
    create_memory_object_stream,
    create_task_group,
)

from capsule.engines.engine_run import EngineRun
from capsule.sdk.background_tasks import spawn
from capsule.sdk.batch import numbered, raised
from capsule.sdk.envelope import Envelope
from capsule.sdk.threads import in_thread, loop_caller, to_its_end, whatever_comes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
    from typing import Any

    from anyio.abc import ObjectSendStream

    from capsule.engines.engine import Arrival, ClusterEngine, Tell
    from capsule.sdk.engine import BatchRequest

    CallSoon = Callable[[Callable[[], object]], object]
    Send = ObjectSendStream[Envelope | BaseException]


class AwaitedEngineBatch:
    """Gives a batch's items to an engine; `close` ends what is at work."""

    def __init__(self, engine: ClusterEngine, asked: BatchRequest) -> None:
        self._run = EngineRun(engine, asked)
        self._scope = CancelScope()
        self._over = Event()
        self._begun = False
        self._arrivals: deque[Arrival] = deque()
        self._arrived, self._freed = Event(), Event()
        self._more = True

    def __repr__(self) -> str:
        return f"<AwaitedEngineBatch {self._run!r}>"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        return self._over.is_set()

    async def results(self, items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Envelope]:
        """Give the envelopes in the order in which they come back.

        Items are taken a few chunks ahead of their runs. When whoever iterates stops, what is at
        work is cancelled. Raises what `items` raises, and `CapsuleError` where the engine cannot do
        the batch.
        """
        send, receive = create_memory_object_stream[Envelope | BaseException](0)
        self._begun = True
        spawn(self._work, numbered(items), send)
        try:
            async for found in receive:
                if isinstance(found, BaseException):
                    raise raised(found)
                yield found
        finally:
            self._scope.cancel()
            receive.close()

    async def close(self) -> None:
        """End what is at work, and wait until nothing of it is left here."""
        self._scope.cancel()
        if self._begun:
            await whatever_comes(self._over)

    async def _work(self, items: AsyncGenerator[tuple[int, Any]], send: Send) -> None:
        """Do the batch; it never raises."""
        try:
            with self._scope, suppress(BrokenResourceError):
                async with send, aclosing(items):
                    try:
                        await self._follow(items, send)
                    except Exception as error:  # noqa: BLE001 - raised where the results are taken
                        await send.send(_alone(error))
        finally:
            with CancelScope(shield=True):
                await to_its_end(self._run.close)
            self._over.set()

    async def _follow(self, items: AsyncGenerator[tuple[int, Any]], send: Send) -> None:
        call_soon = loop_caller()
        await in_thread(lambda stop: self._run.open(self._teller(call_soon), stop))
        async with create_task_group() as tasks:
            tasks.start_soon(self._take, items, send)
            while self._more or not self._run.is_empty:
                if not self._arrivals:
                    self._arrived = Event()
                    await self._arrived.wait()
                    continue
                envelopes = self._run.arrived(self._arrivals.popleft())
                self._freed.set()
                for envelope in envelopes:
                    await send.send(envelope)

    async def _take(self, items: AsyncGenerator[tuple[int, Any]], send: Send) -> None:
        """Take items while there is room for them."""
        run = self._run
        async for index, item in items:
            if run.is_left_out(index, item):
                continue
            if (refused := run.take(index, item)) is not None:
                await send.send(refused)
            while not run.has_room:
                self._freed = Event()
                await self._freed.wait()
        self._more = False
        self._arrived.set()

    def _teller(self, call_soon: CallSoon) -> Tell:
        """Return what takes arrivals from any thread."""

        def arrived(arrival: Arrival) -> None:
            self._arrivals.append(arrival)
            self._arrived.set()

        def tell(arrival: Arrival) -> None:
            # The loop may be gone, with whoever waited.
            with suppress(RuntimeError):
                call_soon(lambda: arrived(arrival))

        return tell


def _alone(error: Exception) -> BaseException:
    """Return the one error of a group: whoever iterates expects what was raised."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
