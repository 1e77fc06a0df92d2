"""The requests that are not answered yet: names, room, and what ends them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from capsule.cli.worker import request_register
from capsule.cli.worker.request_register import MOST_BYTES, Request, RequestRegister
from capsule.errors import UsageError

SECONDS = 20


def request(identity: Any = None, *, size: int = 1, talks: bool = False) -> Request:
    return Request(identity, size, talks=talks, dropped={})


def answer(register: RequestRegister, one: Request) -> None:
    register.begin(one)
    register.settle(one)
    register.leave(one)


def test_ids_are_told_apart_as_json_tells_them() -> None:
    register = RequestRegister()
    for identity in (1, 1.0, True, "1", [1], {"a": 1}, {"a": "1"}):
        register.admit(request(identity, talks=True))
    for identity in (1, 1.0, True, "1", [1], {"a": 1}):
        with pytest.raises(UsageError, match="is running already"):
            register.admit(request(identity, talks=True))
    assert register.cancel(1) == []
    with pytest.raises(UsageError, match="being cancelled"):
        register.cancel(1)
    register.cancel(True)
    with pytest.raises(UsageError, match="no request 2 is running"):
        register.cancel(2)


def test_an_id_is_free_before_its_answer_is_taken() -> None:
    register = RequestRegister()
    one = request(1, talks=True)
    register.admit(one)
    register.begin(one)
    register.settle(one)
    register.admit(request(1, talks=True))
    register.leave(one)


def test_cancelling_gives_those_that_had_not_begun() -> None:
    register = RequestRegister()
    waits, runs = request(1), request(1)
    waits.withdraw = lambda: True
    for one in (waits, runs):
        register.admit(one)
    register.begin(runs)
    assert register.cancel(1) == [waits]
    assert (waits.stop.cancelled, runs.stop.cancelled) == (True, True)


@pytest.mark.parametrize("full", ["many", "large"])
def test_without_room_it_waits_until_one_is_answered(
    monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    monkeypatch.setattr(request_register, "MOST", 2)
    register = RequestRegister()
    size = 1 if full == "many" else MOST_BYTES // 2 + 1
    there = [request(n, size=size) for n in range(2 if full == "many" else 1)]
    for one in there:
        register.admit(one)
    admitted = threading.Event()

    def admit() -> None:
        register.admit(request("next", size=size))
        admitted.set()

    thread = threading.Thread(target=admit)
    thread.start()
    assert not admitted.wait(0.05)
    answer(register, there[0])
    assert admitted.wait(SECONDS)
    thread.join(SECONDS)


def test_one_that_is_larger_than_all_may_be_is_taken_alone() -> None:
    register = RequestRegister()
    large = request(1, size=2 * MOST_BYTES)
    register.admit(large)
    answer(register, large)
    register.wait_until_answered()


def test_while_a_call_waits_what_has_no_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_register, "MOST", 1)
    register = RequestRegister()
    register.admit(request(1))
    refused: list[UsageError] = []

    def admit() -> None:
        with pytest.raises(UsageError) as error:
            register.admit(request(2))
        refused.append(error.value)

    thread = threading.Thread(target=admit)
    thread.start()
    # Also when the call comes while it waits.
    register.note_calls(1)
    thread.join(SECONDS)
    assert "and a call waits" in refused[0].message
    with pytest.raises(UsageError, match="no request 2"):
        register.cancel(2)


def test_stopping_ends_all_and_those_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    register = RequestRegister()
    one, late = request(1), request(2)
    register.admit(one)
    register.stop()
    register.admit(late)
    assert (one.stop.cancelled, late.stop.cancelled) == (True, True)
