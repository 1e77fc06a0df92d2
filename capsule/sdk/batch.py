"""Running a task for each item of a stream, several at once, with bounded memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncIterable, Generator
from contextlib import aclosing

from anyio import CancelScope, Event, Lock, create_task_group
from anyio.lowlevel import checkpoint_if_cancelled

from capsule.envelope import refusal_of
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
        Iterable,
    )
    from typing import Any

    Run = Callable[[Any, int], Awaitable[Envelope]]


class _Failed:
    """The end of a stream whose items raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Results:
    """What came of runs, until it is taken: who brings more than `most` waits for that.

    anyio's streams go through the event loop once more for each of both ends.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._there: deque[Envelope | _Failed] = deque()
        self._changed: set[Event] = set()
        self._over = False

    def __repr__(self) -> str:
        return f"<_Results of which {len(self._there)} wait>"

    async def put(self, done: Envelope | _Failed) -> bool:
        """Have it taken, and say whether anybody will take more."""
        self._there.append(done)
        self._wake()
        while len(self._there) > self._most and not self._over:
            await self._change()
        return not self._over

    async def take(self) -> Envelope | _Failed | None:
        """Return the next, as soon as there is one, None when there will be none."""
        while not self._there:
            if self._over:
                return None
            await self._change()
        self._wake()
        return self._there.popleft()

    def end(self) -> None:
        """Say that no more will come, or that no more is taken."""
        self._over = True
        self._wake()

    async def _change(self) -> None:
        changed = Event()
        self._changed.add(changed)
        try:
            await changed.wait()
        finally:
            self._changed.discard(changed)

    def _wake(self) -> None:
        for changed in self._changed:
            changed.set()


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
        results = _Results(self._at_once)
        self._begun = True
        spawn(self._work, _Items(items), results)
        try:
            while (done := await results.take()) is not None:
                if isinstance(done, _Failed):
                    raise raised(done.error)
                yield done
        finally:
            self._scope.cancel()

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        return self._over.is_set()

    async def close(self) -> None:
        """End what is at work, and wait until it is over."""
        self._scope.cancel()
        if self._begun:
            await whatever_comes(self._over)

    async def _work(self, items: _Items, results: _Results) -> None:
        """Keep so many at work until there are no more items; it never raises."""
        try:
            with self._scope:
                async with aclosing(items), create_task_group() as workers:
                    for _ in range(self._at_once):
                        workers.start_soon(self._one_after_another, items, results)
        finally:
            results.end()
            self._over.set()

    async def _one_after_another(self, items: _Items, results: _Results) -> None:
        try:
            more = True
            while more:
                index, item = await items.take(self._is_wanted)
                more = await results.put(await self._one(item, index))
        except StopAsyncIteration:
            return
        except Exception as error:  # noqa: BLE001 - raised where the results are taken
            await results.put(_Failed(error))

    def _is_wanted(self, index: int, item: Any) -> bool:
        return index not in self._skip and self._wanted(item)

    async def _one(self, item: Any, index: int) -> Envelope:
        try:
            envelope = await self._run(item, index)
        except CapsuleError as error:
            envelope = Envelope.of(refusal_of(error))
        envelope.index = index
        return envelope


class _Items:
    """Items with their number, from which several take in turn."""

    def __init__(self, items: Iterable[Any] | AsyncIterable[Any]) -> None:
        # To wait for one that is there would be a turn of the loop for each.
        self._items = numbered(items) if isinstance(items, AsyncIterable) else _counted(items)
        self._taking = Lock()

    async def take(self, wanted: Callable[[int, Any], bool]) -> tuple[int, Any]:
        """Return the next that is wanted. Raises `StopAsyncIteration`, and what the items raise."""
        items = self._items
        # After its end, and after an error, a generator only says that it is over.
        if isinstance(items, Generator):
            # None is taken for nobody.
            await checkpoint_if_cancelled()
            for index, item in items:
                if wanted(index, item):
                    return index, item
            raise StopAsyncIteration
        async with self._taking:
            index, item = await anext(items)
            while not wanted(index, item):
                index, item = await anext(items)
        return index, item

    async def aclose(self) -> None:
        """Take no more."""
        if isinstance(self._items, Generator):
            self._items.close()
        else:
            await self._items.aclose()


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
