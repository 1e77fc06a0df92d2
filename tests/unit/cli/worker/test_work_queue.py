"""Work in order: as much at once as may be, and what is withdrawn is not done."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from capsule.cli.worker.work_queue import WorkQueue

SECONDS = 20


def test_what_waits_takes_no_thread() -> None:
    """With two threads, a queue that is stuck leaves the other to others."""
    release, done = threading.Event(), threading.Event()

    def wait() -> None:
        release.wait(SECONDS)

    with ThreadPoolExecutor(2) as pool:
        stuck, other = WorkQueue(1), WorkQueue(1)
        for _ in range(10):
            stuck.add(object(), wait, pool)
        other.add(object(), done.set, pool)
        assert done.wait(SECONDS)
        release.set()
        stuck.wait()


def test_so_many_are_done_at_once_and_no_more() -> None:
    together = threading.Barrier(3, timeout=SECONDS)
    at_work, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        together.wait()
        with lock:
            at_work -= 1

    with ThreadPoolExecutor(8) as pool:
        queue = WorkQueue(3)
        for _ in range(9):
            queue.add(object(), work, pool)
        queue.wait()
    assert most == 3


def test_what_is_withdrawn_is_not_done_and_the_next_is() -> None:
    release = threading.Event()
    done: list[int] = []
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        queue = WorkQueue(1)
        begun = threading.Event()

        def first() -> None:
            begun.set()
            release.wait(SECONDS)

        queue.add("first", first, one)
        assert begun.wait(SECONDS)
        # They are for the threads of different pools.
        for number, pool in enumerate((one, other, one, other)):
            queue.add(f"next {number}", partial(done.append, number), pool)
        names = [job.name for job in queue._jobs]
        assert queue.withdraw(names[0])
        assert queue.withdraw(names[2])
        assert not queue.withdraw(names[0])
        assert not queue.withdraw("first")
        release.set()
        queue.wait()
    assert done == [1, 3]
