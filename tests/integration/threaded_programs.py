"""Programs with threads that give the same value wherever they run: inside, and outside.

This file is a task file too: `main` runs all of them, and returns the value of each by its name.
"""

from __future__ import annotations

import queue
import select
import threading
import time
from typing import Any

SHORT = 0.05


def event() -> bool:
    return threading.Event().wait(SHORT)


def lock() -> bool:
    held = threading.Lock()
    held.acquire()
    return held.acquire(timeout=SHORT)


def condition() -> bool:
    one = threading.Condition()
    with one:
        return one.wait(SHORT)


def semaphore() -> bool:
    return threading.Semaphore(0).acquire(timeout=SHORT)


def barrier() -> int:
    return threading.Barrier(2).wait(SHORT)


def empty_queue() -> Any:
    return queue.Queue().get(timeout=SHORT)


def empty_simple_queue() -> Any:
    return queue.SimpleQueue().get(timeout=SHORT)


def full_queue() -> None:
    full: queue.Queue[int] = queue.Queue(1)
    full.put(1)
    full.put(2, timeout=SHORT)


def selected() -> Any:
    return select.select([], [], [], SHORT)


def joined_in_vain() -> bool:
    thread = threading.Thread(target=time.sleep, args=(6 * SHORT,), daemon=True)
    thread.start()
    thread.join(SHORT)
    return thread.is_alive()


def workers_of_a_queue() -> list[int]:
    """Started before there is work, told to end when all of it is done."""
    work: queue.Queue[int | None] = queue.Queue()
    found = []

    def worker() -> None:
        while True:
            item = work.get()
            if item is None:
                break
            found.append(item * 2)
            work.task_done()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for item in range(10):
        work.put(item)
    work.join()
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    return sorted(found)


def daemons_of_a_queue() -> int:
    """Which wait for ever when the program ends."""
    work: queue.Queue[int] = queue.Queue()
    total = 0

    def worker() -> None:
        nonlocal total
        while True:
            total += work.get()
            work.task_done()

    for _ in range(2):
        threading.Thread(target=worker, daemon=True).start()
    for item in range(5):
        work.put(item)
    work.join()
    return total


def sorted_by_sleep() -> list[int]:
    found = []

    def later(times: int) -> None:
        time.sleep(times * SHORT)
        found.append(times)

    threads = [threading.Thread(target=later, args=(times,)) for times in (3, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def turns() -> list[str]:
    first, second, said = threading.Event(), threading.Event(), []

    def speak(word: str, mine: threading.Event, other: threading.Event) -> None:
        for _ in range(3):
            mine.wait()
            mine.clear()
            said.append(word)
            other.set()

    threads = [
        threading.Thread(target=speak, args=("ping", first, second)),
        threading.Thread(target=speak, args=("pong", second, first)),
    ]
    for thread in threads:
        thread.start()
    first.set()
    for thread in threads:
        thread.join()
    return said


def until_told() -> bool:
    stop, count = threading.Event(), 0

    def tick() -> None:
        nonlocal count
        while not stop.wait(SHORT / 5):
            count += 1

    thread = threading.Thread(target=tick)
    thread.start()
    time.sleep(4 * SHORT)
    stop.set()
    thread.join()
    return count > 2


def counted_under_a_lock() -> int:
    mine, total = threading.Lock(), 0

    def add() -> None:
        nonlocal total
        for _ in range(5):
            with mine:
                before = total
                time.sleep(0.001)
                total = before + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total


def most_in_a_semaphore() -> int:
    room, now, most = threading.Semaphore(2), 0, 0

    def enter() -> None:
        nonlocal now, most
        with room:
            now += 1
            most = max(most, now)
            time.sleep(SHORT / 5)
            now -= 1

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


def met_at_a_barrier() -> list[Any]:
    gate = threading.Barrier(3)
    found: list[Any] = []

    def walk(times: int) -> None:
        time.sleep(times * SHORT)
        found.append(times)
        gate.wait()
        found.append("through")

    threads = [threading.Thread(target=walk, args=(times,)) for times in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def consumed() -> list[int]:
    changed = threading.Condition()
    items: list[int] = []
    found: list[int] = []

    def consume() -> None:
        with changed:
            while not items:
                changed.wait()
            found.append(items.pop())

    thread = threading.Thread(target=consume)
    thread.start()
    with changed:
        items.append(7)
        changed.notify()
    thread.join()
    return found


def hooked() -> list[str]:
    seen, before = [], threading.excepthook
    threading.excepthook = lambda args: seen.append(
        f"{args.exc_type.__name__} {args.thread}".partition(",")[0]
    )
    try:
        thread = threading.Thread(target=lambda: 1 / 0, name="divides")
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    return seen


class Counter(threading.Thread):
    """A thread that is a class of its own."""

    def __init__(self, until: int) -> None:
        super().__init__()
        self.__until = until
        self.found: list[int] = []

    def run(self) -> None:
        for number in range(self.__until):
            time.sleep(SHORT / 10)
            self.found.append(number)


def subclassed() -> list[Any]:
    counter = Counter(3)
    counter.start()
    alive = counter.is_alive()
    counter.join()
    return [alive, counter.found, counter.is_alive()]


def timed() -> list[str]:
    found: list[str] = []
    timer, never = (threading.Timer(SHORT, found.append, [word]) for word in ("now", "never"))
    timer.start()
    never.start()
    never.cancel()
    time.sleep(3 * SHORT)
    return found


def polled() -> bool:
    thread = threading.Thread(target=time.sleep, args=(SHORT,))
    thread.start()
    asked = 0
    while thread.is_alive():
        asked += 1
    return asked > 0


PROGRAMS = (
    event,
    lock,
    condition,
    semaphore,
    barrier,
    empty_queue,
    empty_simple_queue,
    full_queue,
    selected,
    joined_in_vain,
    workers_of_a_queue,
    daemons_of_a_queue,
    sorted_by_sleep,
    turns,
    until_told,
    counted_under_a_lock,
    most_in_a_semaphore,
    met_at_a_barrier,
    consumed,
    hooked,
    subclassed,
    timed,
    polled,
)


def value_of(program: Any) -> Any:
    """Return what it returns, or what it raises."""
    try:
        return program()
    except Exception as error:  # noqa: BLE001 - what it raises is its value too
        return [type(error).__name__, str(error)]


def main() -> dict[str, Any]:
    """Run all of them."""
    return {program.__name__: value_of(program) for program in PROGRAMS}
