"""A sandbox that asks for more than it should."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from capsule.errors import WireError
from capsule.process.cancel import Cancellation
from capsule.process.wakeup_pipe import WakeupPipe
from capsule.runner import call_dispatcher
from capsule.runner.call_dispatcher import CallDispatcher
from capsule.shared.frames import HEADER, pack_call, unpack_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.runner.call_dispatcher import HostCall

EVERYTHING = 1 << 40


@pytest.fixture
def wakeup() -> Iterator[WakeupPipe]:
    with Cancellation() as never, WakeupPipe(never) as wakeup:
        yield wakeup


def asked(number: int, op: str = "echo") -> bytes:
    return pack_call(json.dumps({"call": number, "op": op}).encode(), b"")


def number_of(reply: bytes | memoryview) -> int:
    fields = json.loads(unpack_call(bytes(reply[HEADER.size :]))[0])
    return int(fields["call"])


def echo(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
    return {}, b"x" * 1000


def test_answers_are_given_out_as_far_as_there_is_room(wakeup: WakeupPipe) -> None:
    with CallDispatcher(wakeup, echo) as dispatcher:
        for number in range(1, 6):
            dispatcher.take(asked(number))
        given: list[bytes | memoryview] = []
        while len(given) < 5:
            is_woken(wakeup)
            assert dispatcher.replies(0) == []
            given += dispatcher.replies(1)
        assert sorted(map(number_of, given)) == [1, 2, 3, 4, 5]


def is_woken(wakeup: WakeupPipe) -> None:
    import select

    select.select([wakeup], [], [], 10)


def test_calls_without_an_answer_that_was_taken_are_counted(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "MAX_CALLS", 100)
    with CallDispatcher(wakeup, echo) as dispatcher:
        for number in range(1, 101):
            dispatcher.take(asked(number))
        with pytest.raises(WireError, match="more than 100 calls unanswered"):
            dispatcher.take(asked(101))


def test_whoever_takes_the_answers_may_ask_again(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "MAX_CALLS", 10)
    taken = 0
    with CallDispatcher(wakeup, echo) as dispatcher:
        for number in range(1, 101):
            dispatcher.take(asked(number))
            while number - taken == 10:
                is_woken(wakeup)
                wakeup.clear()
                taken += len(dispatcher.replies(EVERYTHING))


def test_answers_that_nobody_takes_keep_the_others_from_being_made(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "_MAX_READY", 3000)
    started = threading.Semaphore(0)

    def counted(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        started.release()
        return echo(asked, cancellation)

    with CallDispatcher(wakeup, counted) as dispatcher:
        for number in range(1, 101):
            dispatcher.take(asked(number))
        # As many as fit, and one more in each thread.
        for _ in range(3 + call_dispatcher.AT_ONCE):
            assert started.acquire(timeout=10)
        assert not started.acquire(timeout=0.2)
        taken = 0
        while taken < 100:
            is_woken(wakeup)
            wakeup.clear()
            taken += len(dispatcher.replies(EVERYTHING))


def test_closing_does_not_wait_for_who_does_not_take_its_answers(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "_MAX_READY", 1)
    with CallDispatcher(wakeup, echo) as dispatcher:
        for number in range(1, 101):
            dispatcher.take(asked(number))
        is_woken(wakeup)


def give_up(of: object) -> bytes:
    return pack_call(json.dumps({"call": 1, "op": call_dispatcher.GIVE_UP, "of": of}).encode(), b"")


def test_a_call_that_is_given_up_is_stopped_and_answered(wakeup: WakeupPipe) -> None:
    begun = threading.Semaphore(0)

    def wait(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        stopped = threading.Event()
        cancellation.attach(stopped.set)
        begun.release()
        assert stopped.wait(10)
        return {}, b""

    with CallDispatcher(wakeup, wait) as dispatcher:
        for number in range(1, call_dispatcher.AT_ONCE + 3):
            dispatcher.take(asked(number, "task"))
        for _ in range(call_dispatcher.AT_ONCE):
            assert begun.acquire(timeout=10)
        # Those behind them have not begun, and do not.
        for number in range(call_dispatcher.AT_ONCE + 2, 0, -1):
            dispatcher.take(give_up(number))
        given: list[bytes | memoryview] = []
        while len(given) < call_dispatcher.AT_ONCE + 2:
            is_woken(wakeup)
            wakeup.clear()
            given += dispatcher.replies(EVERYTHING)
        assert not begun.acquire(blocking=False)
        dispatcher.take(asked(100, "task"))
        assert begun.acquire(timeout=10)


@pytest.mark.parametrize("of", [None, "1", True, 1.5, [1], 5, -1, 1 << 70])
def test_giving_up_what_was_not_asked_does_nothing(wakeup: WakeupPipe, of: object) -> None:
    with CallDispatcher(wakeup, echo) as dispatcher:
        dispatcher.take(give_up(of))
        dispatcher.take(asked(1))
        is_woken(wakeup)
        assert [number_of(reply) for reply in dispatcher.replies(EVERYTHING)] == [1]
