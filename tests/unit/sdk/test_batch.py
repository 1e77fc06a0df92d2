"""Batches: order, bounds, what is skipped, and how they end, under asyncio and trio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from capsule.envelope import refusal
from capsule.errors import UsageError
from capsule.sdk.batch import Batch
from capsule.sdk.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def done(item: Any) -> Envelope:
    return Envelope.of({**refusal("main", "timeout", ""), "success": True, "result": item})


class Work:
    """Runs that end when the test says so; it counts how many go on at once."""

    def __init__(self) -> None:
        self.at_once = self.most = 0
        self.begun: list[Any] = []
        self.gates: dict[Any, anyio.Event] = {}
        self.open = False

    async def __call__(self, item: Any, index: int) -> Envelope:
        self.begun.append(item)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            if not self.open:
                await self.gates.setdefault(item, anyio.Event()).wait()
            else:
                await anyio.lowlevel.checkpoint()
        finally:
            self.at_once -= 1
        return done(item)

    def end(self, item: Any) -> None:
        self.gates.setdefault(item, anyio.Event()).set()


async def settled() -> None:
    await anyio.wait_all_tasks_blocked()


async def test_results_come_as_runs_end_with_the_index_of_their_item() -> None:
    work = Work()
    results = Batch(work, 2, ()).results("abc")
    for item in "bac":
        work.end(item) if item == "b" else None
    first = await anext(results)
    assert (first.index, first.result) == (1, "b")
    await settled()
    work.end("c")
    second = await anext(results)
    work.end("a")
    third = await anext(results)
    assert [(second.index, second.result), (third.index, third.result)] == [(2, "c"), (0, "a")]
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def test_no_more_at_once_than_asked_and_no_item_is_taken_early() -> None:
    work = Work()
    work.open = True
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    results = Batch(work, 3, ()).results(items())
    got = [(await anext(results)).index for _ in range(10)]
    await settled()
    # Three at work, three that wait to be taken, and none beyond.
    assert len(taken) <= 10 + 3 + 3
    got += [envelope.index async for envelope in results]
    assert sorted(index for index in got if index is not None) == list(range(1_000))
    assert 1 < work.most <= 3


async def test_what_was_done_before_is_skipped() -> None:
    work = Work()
    work.open = True
    results = Batch(work, 2, {0, 2, 3}).results("abcde")
    assert sorted([(e.index, e.result) async for e in results]) == [(1, "b"), (4, "e")]
    assert sorted(work.begun) == ["b", "e"]


async def test_items_may_come_from_what_the_results_lead_to() -> None:
    """A source that waits does not hold up the results that are there."""
    work = Work()
    work.open = True
    send, receive = anyio.create_memory_object_stream[int](10)

    async def items() -> AsyncIterator[int]:
        async for item in receive:
            yield item

    results = Batch(work, 4, ()).results(items())
    for number in range(20):
        await send.send(number)
        assert (await anext(results)).result == number
    send.close()
    assert [envelope async for envelope in results] == []
    receive.close()


def test_items_that_wait_for_what_was_cancelled_are_not_merely_over() -> None:
    work = Work()
    work.open = True

    async def items() -> AsyncIterator[int]:
        yield 1
        waiting = asyncio.create_task(asyncio.sleep(60))
        waiting.cancel()
        await waiting

    async def iterate() -> None:
        results = Batch(work, 2, ()).results(items())
        assert (await anext(results)).result == 1
        with pytest.raises(asyncio.CancelledError):
            await anext(results)

    asyncio.run(iterate())


async def test_breaking_off_cancels_what_is_at_work() -> None:
    work = Work()
    batch = Batch(work, 3, ())
    results = batch.results(range(100))
    work.end(1)
    async for envelope in results:
        assert envelope.index == 1
        break
    await results.aclose()
    await batch.close()
    assert work.at_once == 0
    assert batch.is_over


async def test_closing_ends_it_from_outside() -> None:
    work = Work()
    batch = Batch(work, 3, ())
    results = batch.results(range(100))
    work.end(0)
    assert (await anext(results)).index == 0
    await batch.close()
    assert work.at_once == 0
    assert [envelope async for envelope in results] == []


async def test_an_error_of_the_items_is_raised_where_the_results_are_taken() -> None:
    work = Work()
    work.open = True

    def items() -> Iterator[int]:
        yield from range(3)
        raise ValueError("no more")

    batch = Batch(work, 2, ())
    with pytest.raises(ValueError, match="no more"):
        _ = [envelope async for envelope in batch.results(items())]
    assert set(work.begun) <= {0, 1, 2}
    await batch.close()
    assert work.at_once == 0


async def test_what_cannot_be_run_at_all_is_an_envelope_too() -> None:
    async def refuse(item: Any, index: int) -> Envelope:
        raise UsageError("not JSON")

    results = [envelope async for envelope in Batch(refuse, 1, ()).results("a")]
    assert [(e.index, e.success, e.error and e.error.error_type) for e in results] == [
        (0, False, "usage_error")
    ]


async def test_no_items() -> None:
    assert [e async for e in Batch(Work(), 2, ()).results([])] == []
