"""Running a task for each item of a stream, several at once, with bounded memory."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable
from contextlib import aclosing

from anyio import (
    BrokenResourceError,
    CancelScope,
    Event,
    Lock,
    create_memory_object_stream,
    create_task_group,
)
from anyio.lowlevel import checkpoint_if_cancelled

from capsule.envelope import refusal
from capsule.errors import CapsuleError
from capsule.processors import usable_processors
from capsule.sdk.background_tasks import spawn
from capsule.sdk.envelope import Envelope
from capsule.sdk.threads import whatever_comes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        Awaitable,
        Callable,
        Container,
        Generator,
        Iterable,
    )
    from typing import Any

    from anyio.abc import ObjectSendStream

    Run = Callable[[Any, int], Awaitable[Envelope]]


class _Failed:
    """The end of a stream whose items raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Batch:
    """Calls `run` with each item and its index, `at_once` at a time.

    Those whose index is in `skip` are left out, and those that are not `wanted`. `close` ends what
    is at work.
    """

    def __init__(
        self,
        run: Run,
        at_once: int | None,
        skip: Container[int],
        wanted: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        self._run, self._skip, self._wanted = run, skip, wanted
        self._at_once = at_once or usable_processors()
        self._scope = CancelScope()
        self._over = Event()
        self._begun = False

    async def results(self, items: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Envelope]:
        """Give the envelopes in the order in which the runs end.

        One that is not taken keeps at most as many others waiting as run at once. When whoever
        iterates stops, what is at work is cancelled. Raises what `items` raises.
        """
        send, receive = create_memory_object_stream[Envelope | _Failed](self._at_once)
        self._begun = True
        spawn(self._work, _Items(items), send)
        try:
            async for done in receive:
                if isinstance(done, _Failed):
                    raise raised(done.error)
                yield done
        finally:
            self._scope.cancel()
            receive.close()

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        return self._over.is_set()

    async def close(self) -> None:
        """End what is at work, and wait until it is over."""
        self._scope.cancel()
        if self._begun:
            await whatever_comes(self._over)

    async def _work(self, items: _Items, send: ObjectSendStream[Envelope | _Failed]) -> None:
        """Keep so many at work until there are no more items; it never raises."""
        try:
            with self._scope:
                async with send, aclosing(items), create_task_group() as workers:
                    for _ in range(self._at_once):
                        workers.start_soon(self._one_after_another, items, send)
        finally:
            self._over.set()

    async def _one_after_another(
        self, items: _Items, send: ObjectSendStream[Envelope | _Failed]
    ) -> None:
        try:
            while True:
                index, item = await items.take(self._is_wanted)
                await send.send(await self._one(item, index))
        except (StopAsyncIteration, BrokenResourceError):
            return
        except Exception as error:  # noqa: BLE001 - raised where the results are taken
            try:
                await send.send(_Failed(error))
            except BrokenResourceError:
                return

    def _is_wanted(self, index: int, item: Any) -> bool:
        return index not in self._skip and self._wanted(item)

    async def _one(self, item: Any, index: int) -> Envelope:
        try:
            envelope = await self._run(item, index)
        except CapsuleError as error:
            envelope = Envelope.of(refusal("", error.code, str(error)))
        envelope.index = index
        return envelope


class _Items:
    """Items with their number, from which several take in turn."""

    def __init__(self, items: Iterable[Any] | AsyncIterable[Any]) -> None:
        # To wait for one that is there would be a turn of the loop for each.
        self._there = None if isinstance(items, AsyncIterable) else _counted(items)
        self._coming = numbered(items)
        self._taking = Lock()

    async def take(self, wanted: Callable[[int, Any], bool]) -> tuple[int, Any]:
        """Return the next that is wanted. Raises `StopAsyncIteration`, and what the items raise."""
        if self._there is not None:
            # None is taken for nobody.
            await checkpoint_if_cancelled()
            for index, item in self._there:
                if wanted(index, item):
                    return index, item
            raise StopAsyncIteration
        async with self._taking:
            # After its end, and after an error, a generator only says that it is over.
            index, item = await anext(self._coming)
            while not wanted(index, item):
                index, item = await anext(self._coming)
        return index, item

    async def aclose(self) -> None:
        """Take no more."""
        if self._there is not None:
            self._there.close()
        await self._coming.aclose()


class ItemsCancelledError(Exception):
    """Raised when items end because something that they wait for was cancelled, and not they.

    `cancelled` is what was raised: in a task of ours, it would only end that task.
    """

    def __init__(self, cancelled: BaseException) -> None:
        super().__init__()
        self.cancelled = cancelled


def raised(error: BaseException) -> BaseException:
    """Return what whoever iterates is to be told of, as the items raised it."""
    return error.cancelled if isinstance(error, ItemsCancelledError) else error


async def numbered(
    items: Iterable[Any] | AsyncIterable[Any],
) -> AsyncGenerator[tuple[int, Any]]:
    """Give items with their number. Raises what they raise, and `ItemsCancelledError`."""
    if not isinstance(items, AsyncIterable):
        for each in _counted(items):
            yield each
        return
    index = 0
    coming = aiter(items)
    while True:
        try:
            item = await anext(coming)
        except StopAsyncIteration:
            return
        except BaseException as error:
            if _is_foreign(error):
                raise ItemsCancelledError(error) from None
            raise
        yield index, item
        index += 1


def _counted(items: Iterable[Any]) -> Generator[tuple[int, Any]]:
    yield from enumerate(items)


def _is_foreign(error: BaseException) -> bool:
    """Say whether it is a cancellation of asyncio's that nobody asked of the task that it is in."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not isinstance(error, asyncio.CancelledError):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False  # it is no loop of asyncio's
    return task is not None and not task.cancelling()
