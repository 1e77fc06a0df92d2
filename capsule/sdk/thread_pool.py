"""Threads that wait for their next work, so that a run does not wait for one to start.

They belong to no event loop: whoever wants to know in one that a work is over has it call there.
They are kept while somebody says so, a `Sandbox` that is open; else each ends with its work.
"""

from __future__ import annotations

import atexit
import os
from collections import deque
from queue import Empty, SimpleQueue
from threading import Lock, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # What to do, and what to call after: then the thread waits already for the next.
    Work = tuple[Callable[[], None], Callable[[], object]]
    Queue = SimpleQueue[Work | None]

_IDLE_SECONDS = 10.0

# The queue of each thread, and of those that wait. What is done to one of them alone is atomic.
_threads: dict[Queue, Thread] = {}
_idle: list[Queue] = []


class _Kept:
    """How many want threads to be kept; under the lock it is settled which of them wait.

    `starter` starts those that are pending, one after another.
    """

    def __init__(self) -> None:
        self.lock, self.times = Lock(), 0
        self.pending: deque[Queue] = deque()
        self.starter: Thread | None = None


_kept = _Kept()


def keep() -> None:
    """Have threads wait for more work, until `release` is called as often."""
    with _kept.lock:
        _kept.times += 1


def release() -> None:
    """Take one `keep` back; behind the last, those that wait are gone."""
    for thread in _let_go():
        thread.join()


def release_soon() -> None:
    """Take one `keep` back, and wait for nothing; behind the last, those that wait end."""
    _let_go()


def _let_go() -> list[Thread]:
    with _kept.lock:
        _kept.times -= 1
        queues = [] if _kept.times else [_idle.pop() for _ in range(len(_idle))]
    threads = [_threads[queue] for queue in queues]
    for queue in queues:
        queue.put(None)
    return threads


def begin(work: Callable[[], None], done: Callable[[], object]) -> None:
    """Have a thread call `work` at once, and `done` after it; neither may raise."""
    try:
        queue = _idle.pop()
    except IndexError:
        queue = SimpleQueue()
        queue.put((work, done))
        _start(queue)
        return
    queue.put((work, done))


def _start(queue: Queue) -> None:
    """Have a thread started for a queue, by another thread.

    A start waits until the new thread has had the interpreter's lock: behind sixteen threads that
    want it too, the event loop would stand still for a tenth of a second.
    """
    with _kept.lock:
        _kept.pending.append(queue)
        if _kept.starter is not None:
            return
        _kept.starter = Thread(target=_start_pending, name="capsule-start", daemon=True)
        _kept.starter.start()


def _start_pending() -> None:
    while True:
        with _kept.lock:
            if not _kept.pending:
                _kept.starter = None
                return
            queue = _kept.pending.popleft()
            # The last that the program does is to wait for it, see `_end`.
            thread = Thread(target=_serve, args=(queue,), name="capsule-run", daemon=True)
            _threads[queue] = thread
        thread.start()


def _serve(queue: Queue) -> None:
    while (given := _next(queue)) is not None:
        work, done = given
        work()
        # Before it says so: who begins the next run then finds this thread.
        with _kept.lock:
            if waits := _kept.times > 0:
                _idle.append(queue)
        done()
        # What they refer to is not to be kept while nothing is done.
        del given, work, done
        if not waits:
            break
    _threads.pop(queue, None)


def _next(queue: Queue) -> Work | None:
    """Wait for what to do; None when nothing came for long, or at the end."""
    try:
        return queue.get(timeout=_IDLE_SECONDS)
    except Empty:
        try:
            _idle.remove(queue)
        except ValueError:
            # It was taken in this moment: its work is about to come.
            return queue.get()
        return None


@atexit.register
def _end() -> None:
    """Wait for what is at work still: what it has started is gone then, and its folders."""
    if (starter := _kept.starter) is not None:
        starter.join()
    for queue, thread in list(_threads.items()):
        queue.put(None)
        thread.join()


def _forget() -> None:
    # A child process of this program has none of its threads.
    _threads.clear()
    _idle.clear()
    _kept.lock, _kept.starter = Lock(), None
    _kept.pending.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
