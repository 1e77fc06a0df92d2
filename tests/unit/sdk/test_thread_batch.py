"""Batches in threads: what is taken when, who is told what, and that nothing goes on behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from capsule.envelope import refusal
from capsule.errors import UsageError
from capsule.sdk.envelope import Envelope
from capsule.sdk.thread_batch import _MOST_UNTOLD, ThreadBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.process.cancel import Cancellation
    from capsule.sdk.output import OnOutput

SECONDS = 20


def answer(item: Any) -> Envelope:
    """An envelope that says which item it is of."""
    return Envelope.of(refusal(str(item), "task_error", ""))


def echo(item: Any, _told: OnOutput | None, _stop: Cancellation) -> Envelope:
    return answer(item)


def until_cancelled(_item: Any, _told: OnOutput | None, stop: Cancellation) -> Envelope:
    cancelled = threading.Event()
    stop.attach(cancelled.set)
    assert cancelled.wait(SECONDS)
    return answer("cancelled")


def no_thread_is_left() -> bool:
    for thread in threading.enumerate():
        if thread.name == "capsule-run":
            thread.join(SECONDS)
    return not [each for each in threading.enumerate() if each.name == "capsule-run"]


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_each_item_once_but_those_that_are_skipped(at_once: int) -> None:
    batch = ThreadBatch(echo, at_once, {0, 7}, None)
    found = {each.index: each.execution.task_name for each in batch.results("abcdefghij")}
    assert found == {index: name for index, name in enumerate("abcdefghij") if index not in {0, 7}}
    assert batch.is_over
    assert no_thread_is_left()


def test_so_many_at_once_and_no_item_before_its_time() -> None:
    taken: list[int] = []
    together = threading.Barrier(3)

    def items() -> Iterator[int]:
        for number in range(9):
            assert threading.current_thread() is threading.main_thread()
            taken.append(number)
            yield number

    def meet(item: Any, _told: OnOutput | None, _stop: Cancellation) -> Envelope:
        together.wait(SECONDS)
        return answer(item)

    batch = ThreadBatch(meet, 3, (), None)
    for done, _ in enumerate(batch.results(items()), 1):
        assert len(taken) <= done + 2
    assert taken == list(range(9))


def test_output_is_told_where_results_are_taken_and_before_them() -> None:
    told: list[tuple[int, str, str]] = []

    def tell(index: int, stream: str, text: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((index, stream, text))

    def say(item: Any, on_output: OnOutput | None, _stop: Cancellation) -> Envelope:
        assert on_output is not None
        for stream in ("stdout", "stderr"):
            on_output(stream, item)
        return answer(item)

    for envelope in ThreadBatch(say, 2, (), tell).results("abcd"):
        index, name = envelope.index, envelope.execution.task_name
        assert [each for each in told if each[0] == index] == [
            (index, "stdout", name),
            (index, "stderr", name),
        ]


def test_who_prints_more_than_is_told_waits() -> None:
    seen: list[int] = []
    all_printed = threading.Event()

    def flood(item: Any, on_output: OnOutput | None, _stop: Cancellation) -> Envelope:
        assert on_output is not None
        for _ in range(10):
            on_output("stdout", "x" * _MOST_UNTOLD)
        all_printed.set()
        return answer(item)

    def tell(_index: int, _stream: str, text: str) -> None:
        seen.append(len(text))
        # Of ten, nine more would be there in no time.
        assert len(seen) != 1 or not all_printed.wait(0.2)

    assert len(list(ThreadBatch(flood, 1, (), tell).results([0]))) == 1
    assert seen == [_MOST_UNTOLD] * 10


def test_who_waits_to_print_does_so_until_the_end() -> None:
    def flood(item: Any, on_output: OnOutput | None, _stop: Cancellation) -> Envelope:
        assert on_output is not None
        for _ in range(10):
            on_output("stdout", "x" * _MOST_UNTOLD)
        return answer(item)

    def fail(*_: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        list(ThreadBatch(flood, 1, (), fail).results([0]))
    assert no_thread_is_left()


def test_what_a_run_cannot_be_is_an_envelope_and_what_it_raises_is_raised() -> None:
    def fail(item: Any, _told: OnOutput | None, _stop: Cancellation) -> Envelope:
        raise UsageError("no") if item else ZeroDivisionError

    (envelope,) = ThreadBatch(fail, 1, (), None).results([1])
    assert envelope.error is not None
    assert (envelope.error.error_type, envelope.error.message) == ("usage_error", "no")
    with pytest.raises(ZeroDivisionError):
        list(ThreadBatch(fail, 1, (), None).results([0]))
    assert no_thread_is_left()


def test_what_items_raise_is_raised_when_all_that_runs_is_over() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        list(ThreadBatch(until_cancelled, 2, (), None).results(items()))
    assert no_thread_is_left()


def test_one_that_is_closed_elsewhere_says_so_to_who_iterates() -> None:
    batch = ThreadBatch(until_cancelled, 1, (), None)
    threading.Timer(0, close_when_begun, [batch]).start()
    with pytest.raises(RuntimeError, match="has ended"):
        list(batch.results(range(5)))
    assert batch.is_over
    assert no_thread_is_left()


def close_when_begun(batch: ThreadBatch) -> None:
    while "of 1 at work" not in repr(batch):
        threading.Event().wait(0.001)
    batch.close()


def test_one_that_is_forgotten_is_closed() -> None:
    begun = threading.Barrier(2)

    def run(item: Any, told: OnOutput | None, stop: Cancellation) -> Envelope:
        if item:
            begun.wait(SECONDS)
            return until_cancelled(item, told, stop)
        return answer(item)

    batch = ThreadBatch(run, 2, (), None)
    for _ in batch.results(range(2)):
        begun.wait(SECONDS)
        break
    assert batch.is_over
    assert no_thread_is_left()


def test_one_that_was_closed_before_runs_nothing() -> None:
    batch = ThreadBatch(echo, 1, (), None)
    results = batch.results([1])
    batch.close()
    with pytest.raises(RuntimeError, match="has ended"):
        next(results)
