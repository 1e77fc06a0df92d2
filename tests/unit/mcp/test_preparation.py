"""What is prepared once, and told to whoever waits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from capsule.errors import GivenUpError, ToolchainError
from capsule.mcp.preparation import Preparation, ToldProgress
from capsule.process.cancel import Cancellation
from capsule.progress import Step

if TYPE_CHECKING:
    from capsule.progress import Progress


def test_progress_is_words_and_numbers_that_grow() -> None:
    told: list[tuple[float, str]] = []
    progress = ToldProgress(lambda at, words: told.append((at, words)))
    with progress.step(Step("downloading", 98e6, "bytes")) as step:
        step.update(49e6)
    progress.note("waiting")
    with progress.step(Step("compiling", 20, "seconds")) as step:
        step.update(500)
    assert [words for _, words in told] == ["downloading", "waiting", "compiling"]
    numbers = [at for at, _ in told]
    assert numbers == sorted(set(numbers))


def test_all_wait_for_one_preparation_and_are_told() -> None:
    go, times = threading.Event(), list[int]()

    def work(progress: Progress, _: Cancellation) -> None:
        times.append(1)
        progress.step(Step("compiling", 20, "seconds"))
        assert go.wait(60)
        progress.note("almost")

    preparation = Preparation(work)
    told: dict[int, list[str]] = {1: [], 2: []}
    heard = threading.Semaphore(0)

    def wait(number: int) -> None:
        def tell(_: float, words: str) -> None:
            told[number].append(words)
            heard.release()

        with Cancellation() as stop:
            preparation.wait(tell, stop)

    threads = [threading.Thread(target=wait, args=(number,)) for number in told]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert heard.acquire(timeout=60)
    go.set()
    for thread in threads:
        thread.join()
    assert times == [1]
    assert all(words[0] == "compiling" for words in told.values())
    preparation.close()


def test_one_that_is_cancelled_stops_waiting_and_the_others_do_not() -> None:
    go = threading.Event()
    preparation = Preparation(lambda _progress, _stop: go.wait(60))
    with Cancellation() as stop:
        stop.cancel()
        with pytest.raises(GivenUpError):
            preparation.wait(lambda _at, _words: None, stop)
    go.set()
    with Cancellation() as stop:
        preparation.wait(lambda _at, _words: None, stop)
    preparation.close()


def test_what_fails_is_left_to_the_call_to_say() -> None:
    def fails(_progress: Progress, _stop: Cancellation) -> None:
        raise ToolchainError("no index")

    preparation = Preparation(fails)
    with Cancellation() as stop:
        preparation.wait(lambda _at, _words: None, stop)
    preparation.close()


def test_to_close_it_ends_the_work() -> None:
    ended = threading.Event()

    def work(_progress: Progress, stop: Cancellation) -> None:
        woken = threading.Event()
        stop.attach(woken.set)
        assert woken.wait(60)
        ended.set()

    preparation = Preparation(work)
    preparation.begin()
    preparation.close()
    assert ended.is_set()
    preparation.begin()
