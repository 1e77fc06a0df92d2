"""Places of sub-tasks: as many as there are processors, and more for those that wait."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from capsule.runner.task_places import ProcessorUse, TaskPlaces, processor_seconds


def held(places: TaskPlaces, depth: int, count: int) -> int:
    """Ask for so many places, one after another; return how many there were."""
    return sum(places.place(depth).acquire(0.3) for _ in range(count))


def test_who_uses_a_processor_keeps_others_waiting() -> None:
    places = TaskPlaces(waiting=lambda: 0, own=2, more=14)
    assert held(places, 1, 3) == 2


def test_each_depth_has_places_of_its_own() -> None:
    places = TaskPlaces(waiting=lambda: 0, own=2, more=14)
    assert [held(places, depth, 2) for depth in (1, 2, 3)] == [2, 2, 2]


def test_who_waits_lets_more_begin_up_to_a_bound() -> None:
    begun: list[int] = []

    def waiting() -> int:
        return len(begun)

    places = TaskPlaces(waiting=waiting, own=2, more=3)
    for _ in range(5):
        assert places.place(1).acquire(10)
        begun.append(1)
    assert not places.place(1).acquire(0.3)
    assert places.place(2).acquire(0), "those below have a place all the same"


def test_a_place_that_is_given_back_is_another_s() -> None:
    places = TaskPlaces(waiting=lambda: 0, own=1, more=0)
    first, second = places.place(1), places.place(1)
    assert first.acquire(0)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(second.acquire, 10)
        first.release()
        assert taken.result(10)


def test_many_who_ask_get_what_there_is() -> None:
    places = TaskPlaces(waiting=lambda: None, own=2, more=6)
    most, now, lock = 0, 0, threading.Lock()
    full = threading.Barrier(8)

    def work(number: int) -> None:
        nonlocal most, now
        place = places.place(1)
        assert place.acquire(20)
        with lock:
            now += 1
            most = max(most, now)
        if number < 8:
            full.wait(20)
        with lock:
            now -= 1
        place.release()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == 8


@pytest.mark.skipif(processor_seconds(os.getpid()) is None, reason="the system does not say")
def test_a_process_that_waits_is_told_from_one_that_works() -> None:
    """What counts is what it has used, not whether it has the processor in this moment."""
    use = ProcessorUse()
    work = "print(flush=True)\nwhile True: pass"
    wait = "print(flush=True)\nimport time\ntime.sleep(100)"
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        for code in (work, wait)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        with use.counting(children[0].pid), use.counting(children[1].pid):
            # Nothing is known of those that are new.
            assert use.waiting() == 0
            before = processor_seconds(children[0].pid) or 0
            while (processor_seconds(children[0].pid) or 0) < before + 0.1:
                pass
            assert use.waiting() == 1
    finally:
        for child in children:
            child.kill()
            child.communicate()
