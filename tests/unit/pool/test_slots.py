"""Whose turn it is when many want to run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from queue import SimpleQueue

import pytest

from capsule.pool.slots import Slots
from capsule.process.cancel import Cancellation


class Runner:
    """A thread that wants a slot, says when it has it, and holds it until it is told."""

    def __init__(self, slots: Slots, owner: str, said: SimpleQueue[str], name: str) -> None:
        self.cancellation = Cancellation()
        self._slots, self._owner, self._said, self._name = slots, owner, said, name
        self._go_on = threading.Event()
        self.granted: bool | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin, and come back when it waits or has its slot."""
        before = repr(self._slots)
        self._thread.start()
        while repr(self._slots) == before and self.granted is None:
            self._thread.join(0.001)

    def _run(self) -> None:
        with self._slots.slot(self._owner, self.cancellation) as granted:
            self.granted = granted
            self._said.put(self._name)
            self._go_on.wait(20)

    def finish(self) -> None:
        self._go_on.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.cancellation.close()


@pytest.fixture
def said() -> SimpleQueue[str]:
    return SimpleQueue()


def test_one_is_taken_only_where_it_is_free(said: SimpleQueue[str]) -> None:
    slots = Slots(2)
    assert slots.take()
    assert slots.take()
    assert not slots.take()
    waits = Runner(slots, "a", said, "a")
    waits.start()
    slots.give_back()
    # It is for the one who waits.
    assert not slots.take()
    waits.finish()
    assert slots.take()
    assert not slots.take()


def test_owners_take_turns(said: SimpleQueue[str]) -> None:
    slots = Slots(1)
    names = ["a1", "a2", "a3", "b1", "b2", "c1"]
    runners = {name: Runner(slots, name[0], said, name) for name in ["a0", *names]}
    for runner in runners.values():
        runner.start()
    assert repr(slots) == "<Slots 1 of 1 taken, 6 wait>"
    order = []
    for _ in range(len(runners)):
        order.append(said.get(timeout=20))
        runners[order[-1]].finish()
    assert order == ["a0", "a1", "b1", "c1", "a2", "b2", "a3"]
    assert repr(slots) == "<Slots 0 of 1 taken, 0 wait>"


def test_one_that_is_cancelled_while_it_waits_holds_nothing(said: SimpleQueue[str]) -> None:
    slots = Slots(1)
    first, second, third = (Runner(slots, name, said, name) for name in ("a", "b", "c"))
    for runner in (first, second, third):
        runner.start()
    second.cancellation.cancel()
    assert {said.get(timeout=20), said.get(timeout=20)} == {"a", "b"}
    second.finish()
    assert second.granted is False
    first.finish()
    assert said.get(timeout=20) == "c"
    third.finish()
    assert third.granted is True
    assert repr(slots) == "<Slots 0 of 1 taken, 0 wait>"


def test_one_that_was_cancelled_before_waits_for_nothing(said: SimpleQueue[str]) -> None:
    slots = Slots(1)
    first = Runner(slots, "a", said, "a")
    first.start()
    with Cancellation() as cancelled:
        cancelled.cancel()
        with slots.slot("b", cancelled) as granted:
            assert granted is False
    first.finish()
    assert repr(slots) == "<Slots 0 of 1 taken, 0 wait>"


def test_a_grant_that_comes_with_the_cancellation_is_passed_on() -> None:
    """Many that give up and many that are granted, all at once: no slot is lost."""
    slots = Slots(2)
    running = threading.Semaphore(2)
    too_many: list[int] = []

    def run(number: int) -> None:
        with Cancellation() as cancellation:
            threading.Thread(target=cancellation.cancel).start() if number % 2 else None
            with slots.slot(number % 5, cancellation) as granted:
                if granted:
                    if not running.acquire(blocking=False):
                        too_many.append(number)
                    running.release()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not too_many
    assert repr(slots) == "<Slots 0 of 2 taken, 0 wait>"


def test_an_exception_while_it_waits_leaves_the_queue(said: SimpleQueue[str]) -> None:
    """As KeyboardInterrupt in `run_sync`: a slot granted to it would never come back."""
    slots = Slots(1)
    first = Runner(slots, "a", said, "a")
    first.start()

    def interrupt() -> None:
        while "1 wait" not in repr(slots):
            threading.Event().wait(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with (
        Cancellation() as never,
        pytest.raises(KeyboardInterrupt),
        slots.slot("b", never),
    ):
        pass
    first.finish()
    assert repr(slots) == "<Slots 0 of 1 taken, 0 wait>"


_FORKED = """
import os
from capsule.pool import slots
from capsule.process.cancel import Cancellation
with Cancellation() as never, slots.SHARED.slot("a", never):
    child = os.fork()
    if child == 0:
        with slots.SHARED.slot("b", never):
            print(repr(slots.SHARED), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_process_holds_none_of_its_parents() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKED],
        env={**os.environ, "CAPSULE_MAX_RUNNING": "1"},
        capture_output=True,
        timeout=20,
        check=True,
        text=True,
    )
    assert done.stdout == "<Slots 1 of 1 taken, 0 wait>\n"
