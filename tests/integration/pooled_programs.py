"""Programs with pools of threads and event loops, with the same value inside and outside.

This file is a task file too: `main` runs all of them, and returns the value of each by its name.
"""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import threading
import time
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.pool import ThreadPool
from typing import Any

SHORT = 0.05


def future() -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(time.sleep, 4 * SHORT).result(timeout=SHORT)


def futures_in_time() -> list[int]:
    def pause(times: int) -> int:
        time.sleep(times * SHORT)
        return times

    with ThreadPoolExecutor(2) as pool:
        done, left = futures.wait([pool.submit(pause, 1), pool.submit(pause, 8)], timeout=4 * SHORT)
    return [len(done), len(left)]


def futures_late() -> list[bool]:
    with ThreadPoolExecutor(1) as pool:
        return [one.done() for one in as_completed([pool.submit(time.sleep, 4 * SHORT)], SHORT)]


def mapped() -> list[int]:
    def square(number: int) -> int:
        time.sleep(SHORT / 5)
        return number * number

    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(square, range(7)))


def as_they_complete() -> list[int]:
    def pause(times: int) -> int:
        time.sleep(times * SHORT)
        return times

    with ThreadPoolExecutor(3) as pool:
        begun = [pool.submit(pause, times) for times in (3, 1, 2)]
        return [one.result() for one in as_completed(begun)]


def cancelled() -> list[bool]:
    with ThreadPoolExecutor(1) as pool:
        first, second = (pool.submit(time.sleep, 2 * SHORT) for _ in range(2))
        time.sleep(SHORT / 5)
        return [first.cancel(), second.cancel(), first.running()]


def initialized() -> list[Any]:
    kept = threading.local()

    def begin(value: str) -> None:
        kept.value = value

    with ThreadPoolExecutor(2, "named", begin, ("set",)) as pool:
        found = pool.submit(lambda: [kept.value, threading.current_thread().name]).result()
    return [*found, hasattr(kept, "value")]


def broken_in_a_pool() -> Any:
    with ThreadPoolExecutor() as pool:
        return pool.submit(int, "none").result()


def loop_in_a_thread() -> list[int]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def later(times: int) -> int:
        await asyncio.sleep(times * SHORT)
        return times

    asked = [asyncio.run_coroutine_threadsafe(later(times), loop) for times in (2, 1)]
    found = [one.result(timeout=10) for one in asked]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    return found


def loops_in_threads() -> list[int]:
    found = []

    async def later(times: int) -> None:
        await asyncio.sleep(times * SHORT)
        found.append(times)

    def work(times: int) -> None:
        asyncio.run(later(times))

    threads = [threading.Thread(target=work, args=(times,)) for times in (3, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def woken_by_a_thread() -> str:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[str] = loop.create_future()

        def tell() -> None:
            time.sleep(SHORT)
            loop.call_soon_threadsafe(told.set_result, "told")

        threading.Thread(target=tell).start()
        return await told

    return asyncio.run(main())


def others_go_on() -> list[Any]:
    async def main() -> list[Any]:
        count = 0

        async def tick() -> None:
            nonlocal count
            while True:
                await asyncio.sleep(SHORT / 5)
                count += 1

        ticking = asyncio.create_task(tick())
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 4 * SHORT) for _ in range(2)))
        ticking.cancel()
        try:
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 4 * SHORT), SHORT)
        except TimeoutError:
            return [count > 2, "late"]
        return [count > 2]

    return asyncio.run(main())


def in_a_pool_of_its_own() -> list[int]:
    def pause(times: int) -> int:
        time.sleep(times * SHORT)
        return times

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(2) as pool:
            return await asyncio.gather(*(loop.run_in_executor(pool, pause, n) for n in (2, 1)))

    return asyncio.run(main())


def inherited() -> Any:
    said = contextvars.ContextVar("said", default="nothing")

    async def main() -> list[str]:
        said.set("something")
        return [await asyncio.to_thread(said.get)]

    return asyncio.run(main())


def thread_pool() -> list[Any]:
    seen: list[Any] = []
    with ThreadPool(3) as pool:
        found = [
            pool.map(abs, [-3, 2]),
            pool.starmap(pow, [(2, 3), (3, 2)]),
            pool.apply(max, (1, 5)),
            list(pool.imap(len, ["a", "bb"])),
            sorted(pool.imap_unordered(abs, [-1, -2])),
        ]
        told = pool.map_async(abs, [-1], callback=seen.append)
        told.wait()
        failed = pool.apply_async(
            int, ("none",), error_callback=lambda error: seen.append("failed")
        )
        try:
            failed.get()
        except ValueError as error:
            found.append(str(error))
        late = pool.apply_async(time.sleep, (4 * SHORT,))
        try:
            late.get(SHORT)
        except multiprocessing.TimeoutError:
            found.append(late.ready())
        pool.close()
        pool.join()
    return [*found, told.successful(), failed.successful(), seen]


PROGRAMS = (
    future,
    futures_in_time,
    futures_late,
    mapped,
    as_they_complete,
    cancelled,
    initialized,
    broken_in_a_pool,
    loop_in_a_thread,
    loops_in_threads,
    woken_by_a_thread,
    others_go_on,
    in_a_pool_of_its_own,
    inherited,
    thread_pool,
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
