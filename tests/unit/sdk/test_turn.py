"""Runs are begun one after another, and nobody waits long for one that takes long."""

from __future__ import annotations

import threading

import pytest

from capsule.pool.run_queue import QueuedRun
from capsule.runner.attempt import Cold
from capsule.sdk import turn as module
from capsule.sdk.turn import Turn, Turnstile

SECONDS = 20


@pytest.fixture
def turnstile(monkeypatch: pytest.MonkeyPatch) -> Turnstile:
    made = Turnstile()
    monkeypatch.setattr(module, "_turnstile", made)
    return made


def test_one_is_let_through_at_a_time(
    turnstile: Turnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", SECONDS)
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with Turn(QueuedRun("me")):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert (most, repr(turnstile)) == (1, "<Turnstile free>")


@pytest.mark.usefixtures("turnstile")
def test_the_next_goes_on_when_one_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with Turn(QueuedRun("me")):
        passed = threading.Event()

        def next_one() -> None:
            with Turn(QueuedRun("me")):
                passed.set()

        thread = threading.Thread(target=next_one)
        thread.start()
        assert passed.wait(SECONDS)
        thread.join(SECONDS)


def test_the_next_goes_on_when_the_sandbox_is_started(
    turnstile: Turnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", SECONDS)
    started = []
    monkeypatch.setattr(Cold, "start", lambda _, plan: started.append(plan))
    with Turn(QueuedRun("me")) as turn:
        assert repr(turnstile) == "<Turnstile taken>"
        turn.start("plan")  # type: ignore[arg-type]
        assert (started, repr(turnstile)) == (["plan"], "<Turnstile free>")
        with Turn(QueuedRun("me")):
            pass
        turn.start("again")  # type: ignore[arg-type]
    assert repr(turnstile) == "<Turnstile free>"


def test_one_that_was_overtaken_lets_nobody_in(
    turnstile: Turnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends while the one that did not wait for it is at it."""
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    slow, fast = Turn(QueuedRun("me")), Turn(QueuedRun("me"))
    turnstile.enter(slow)
    turnstile.enter(fast)
    turnstile.leave(slow)
    assert repr(turnstile) == "<Turnstile taken>"
    turnstile.leave(fast)
    assert repr(turnstile) == "<Turnstile free>"
