"""A sandbox that asks for more than it should."""

from __future__ import annotations

import json
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from capsule.errors import WireError
from capsule.process.cancel import Cancellation
from capsule.process.wakeup_pipe import WakeupPipe
from capsule.runner import call_dispatcher
from capsule.runner.call_dispatcher import CallDispatcher
from capsule.runner.memory_budget import RunMemory
from capsule.shared.frames import HEADER, MAX_FIELDS, pack_call, unpack_call

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
        for number in range(1, call_dispatcher.TASKS_AT_ONCE + 3):
            dispatcher.take(asked(number, "task"))
        for _ in range(call_dispatcher.TASKS_AT_ONCE):
            assert begun.acquire(timeout=10)
        # Those behind them have not begun, and do not.
        for number in range(call_dispatcher.TASKS_AT_ONCE + 2, 0, -1):
            dispatcher.take(give_up(number))
        given: list[bytes | memoryview] = []
        while len(given) < call_dispatcher.TASKS_AT_ONCE + 2:
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


def test_calls_that_are_given_up_are_counted(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "MAX_CALLS", 100)
    memory = RunMemory()
    with CallDispatcher(wakeup, echo, memory) as dispatcher:
        for number in range(1, 101):
            dispatcher.take(give_up(number))
        # Each was gone before the next came.
        assert memory.calls.taken == 0
        with pytest.raises(WireError, match="gave up more than 100 calls"):
            dispatcher.take(give_up(101))


def test_whoever_takes_the_answers_may_give_up_again(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "MAX_CALLS", 10)
    with CallDispatcher(wakeup, echo) as dispatcher:
        for number in range(1, 101):
            dispatcher.take(asked(number))
            dispatcher.take(give_up(number))
            is_woken(wakeup)
            wakeup.clear()
            assert len(dispatcher.replies(EVERYTHING)) == 1


MANY = [{"": 0}] * 100_000


def unexpected(text: bytes) -> tuple[int, str, dict[str, Any]]:
    raise AssertionError(f"{len(text):,} bytes were parsed")


@pytest.mark.parametrize(
    "fields",
    [
        {"call": 7, "op": call_dispatcher.GIVE_UP, "of": MANY},
        {"call": 7, "op": call_dispatcher.GIVE_UP, "of": 1, "x": MANY},
        {"x": MANY, "call": 7, "op": "echo"},
        {"call": "7", "op": "echo", "x": MANY},
        {"call": 1 << 62, "op": "echo", "x": MANY},
        {"call": 7, "op": "\u00e9", "x": MANY},
    ],
    ids=["what is given up", "beside it", "at the end", "text", "too large", "escaped"],
)
def test_what_has_too_many_parts_and_cannot_be_answered_is_refused_unparsed(
    wakeup: WakeupPipe, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = pack_call(json.dumps(fields).encode(), b"")
    with CallDispatcher(wakeup, echo) as dispatcher:
        monkeypatch.setattr(call_dispatcher, "_understood", unexpected)
        with pytest.raises(WireError, match="too many parts"):
            dispatcher.take(payload)


def test_calls_that_wait_are_kept_as_they_came(wakeup: WakeupPipe) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def wait(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        begun.release()
        go_on.wait(10)
        return {}, b""

    many = json.dumps({"call": 1, "op": "echo", "x": [{"": 0}] * 8_000}).encode()
    payload = bytearray(pack_call(many, b""))
    tracemalloc.start()
    try:
        with CallDispatcher(wakeup, wait) as dispatcher:
            for _ in range(call_dispatcher.AT_ONCE + 40):
                dispatcher.take(payload)
            for _ in range(call_dispatcher.AT_ONCE):
                assert begun.acquire(timeout=10)
            kept = tracemalloc.get_traced_memory()[0]
            go_on.set()
    finally:
        tracemalloc.stop()
    # Parsed, each of them would take 2 MB.
    assert kept < (call_dispatcher.AT_ONCE + 10) * 2 << 20


def test_fields_of_too_many_parts_are_not_parsed(
    wakeup: WakeupPipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_dispatcher, "_understood", unexpected)
    many = json.dumps({"call": 7, "op": "echo", "x": MANY}).encode()
    with CallDispatcher(wakeup, echo) as dispatcher:
        dispatcher.take(pack_call(many, b""))
        is_woken(wakeup)
        [reply] = dispatcher.replies(EVERYTHING)
        fields = json.loads(unpack_call(bytes(reply[HEADER.size :]))[0])
    assert fields["error"] == "failed"
    assert "too many parts" in fields["message"]
    with CallDispatcher(wakeup, echo) as dispatcher, pytest.raises(WireError, match="of JSON"):
        dispatcher.take(pack_call(b" " * (MAX_FIELDS + 1), b""))


def test_all_sandboxes_of_a_run_have_one_room_for_calls(wakeup: WakeupPipe) -> None:
    memory = RunMemory(calls=1000)
    go_on = threading.Event()

    def wait(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        go_on.wait(10)
        return {}, b""

    payload = pack_call(b'{"call": 1, "op": "echo"}', bytes(600))
    with CallDispatcher(wakeup, wait, memory) as one, CallDispatcher(wakeup, wait, memory) as other:
        one.take(payload)
        with pytest.raises(WireError, match="with the tasks of its run"):
            other.take(payload)
        with pytest.raises(WireError, match="with the tasks of its run"):
            other.expect(600)
        other.expect(300)
        go_on.set()
    assert memory.calls.taken == 0


def test_a_large_answer_comes_in_pieces_and_holds_its_room_until_then(wakeup: WakeupPipe) -> None:
    memory, large = RunMemory(), bytearray(b"x" * (5 << 20))

    def answer(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytearray]:
        assert asked.hold.try_resize(len(large))
        return {}, large

    with CallDispatcher(wakeup, answer, memory) as dispatcher:
        dispatcher.take(asked(1))
        is_woken(wakeup)
        pieces = dispatcher.replies(1 << 20)
        assert len(pieces) < 3
        assert memory.answers.taken == len(large)
        pieces += dispatcher.replies(EVERYTHING)
        assert memory.answers.taken == 0
    whole = b"".join(pieces)
    assert HEADER.unpack_from(whole)[1] == len(whole) - HEADER.size
    assert unpack_call(whole[HEADER.size :])[1] == large


def test_abandoned_answers_give_their_room_back(wakeup: WakeupPipe) -> None:
    memory = RunMemory()

    def answer(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        assert asked.hold.try_resize(1000)
        return {}, bytes(1000)

    with CallDispatcher(wakeup, answer, memory) as dispatcher:
        dispatcher.take(asked(1))
        is_woken(wakeup)
        dispatcher.abandon()
        assert memory.answers.taken == 0
        assert dispatcher.replies(EVERYTHING) == []
