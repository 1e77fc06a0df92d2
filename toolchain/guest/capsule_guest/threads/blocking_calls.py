"""How what waits in the standard library waits in a strand: as steps.

Where it can be seen whether a call would wait, the steps wait for that and make the call then: it
does not wait any more. Nothing comes in between, for strands change only where one waits.
"""

from __future__ import annotations

from capsule_guest import pauses
from capsule_guest.threads import lock_calls, step_functions, strands, threading_calls
from capsule_guest.threads.lock_calls import polled_by, until
from capsule_guest.threads.strands import PASS, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType
    from typing import Any

    Work = Generator[Any, None, Any]

_waiting = step_functions.waiting


def install() -> None:
    """Say how locks are waited for, and times."""
    _waiting[pauses.sleep] = _waiting[pauses.sleep_alone] = _sleep
    lock_calls.install()
    step_functions.before_library.append(_turn_at_start)


def _turn_at_start() -> Work:
    if strands.starting():
        yield PASS


def _sleep(seconds: float) -> Work:
    if not seconds >= 0:
        return pauses.sleep_alone(seconds)  # which says what is wrong with it
    yield Wait(strands._never, strands._now() + seconds, "a time")


def fill_queue(module: ModuleType) -> None:
    """Say how the queues of `queue` are waited for."""

    def checked(timeout: float | None) -> float | None:
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        return timeout

    def get(queue: Any, block: bool = True, timeout: float | None = None) -> Work:
        if block:
            yield from until(
                lambda: queue._qsize() or queue.is_shutdown, checked(timeout), "an item of a queue"
            )
        return original_get(queue, False)

    def put(queue: Any, item: object, block: bool = True, timeout: float | None = None) -> Work:
        if block:
            yield from until(
                lambda: not 0 < queue.maxsize <= queue._qsize() or queue.is_shutdown,
                checked(timeout),
                "room in a queue",
            )
        return original_put(queue, item, False)

    def join(queue: Any) -> Work:
        yield from until(lambda: not queue.unfinished_tasks, None, "all items of a queue")

    def get_simple(queue: Any, block: bool = True, timeout: float | None = None) -> Work:
        if block:
            yield from until(lambda: queue._queue, checked(timeout), "an item of a queue")
        return original_get_simple(queue, False)

    original_get, original_put = module.Queue.get, module.Queue.put
    original_get_simple = module.SimpleQueue.get
    _waiting.update(
        {
            module.Queue.get: get,
            module.Queue.put: put,
            module.Queue.join: join,
            module.SimpleQueue.get: get_simple,
        }
    )
    for name in ("get_nowait", "put_nowait", "empty", "full"):
        polled_by(getattr(module.Queue, name))
    for name in ("get_nowait", "empty"):
        polled_by(getattr(module.SimpleQueue, name))


def fill_futures(module: ModuleType) -> None:
    """Say how futures are waited for."""

    def waits(original: Any) -> Any:
        def wait(future: Any, timeout: float | None = None) -> Work:
            seconds = None if timeout is None else max(timeout, 0)
            yield from until(lambda: original_done(future), seconds, "a future")
            return original(future, 0)

        return wait

    def wait_all(
        futures: Any, timeout: float | None = None, return_when: str = "ALL_COMPLETED"
    ) -> Work:
        futures = set(futures)

        def enough() -> bool:
            done = [future for future in futures if original_done(future)]
            if len(done) == len(futures):
                return True
            if return_when == module.FIRST_COMPLETED:
                return bool(done)
            return return_when == module.FIRST_EXCEPTION and any(
                not future.cancelled() and future.exception(0) is not None for future in done
            )

        seconds = None if timeout is None else max(timeout, 0)
        yield from until(enough, seconds, "futures")
        return original_wait(futures, 0, return_when)

    original_done, original_wait = module.Future.done, module.wait
    for name in ("result", "exception"):
        original = getattr(module.Future, name)
        _waiting[original] = waits(original)
    _waiting[original_wait] = wait_all
    polled_by(original_done)


def fill_pool(module: ModuleType) -> None:
    """Say how the threads of a pool work and wait."""

    def work(executor_reference: Any, context: Any, work_queue: Any) -> Work:
        try:
            initializer = getattr(context, "initializer", None)
            if initializer is not None:
                yield from step_functions.steps(initializer, *context.initargs)
        except BaseException:
            module._base.LOGGER.critical("Exception in initializer:", exc_info=True)
            executor = executor_reference()
            if executor is not None:
                executor._initializer_failed()
            return
        while True:
            if work_queue.empty():
                executor = executor_reference()
                if executor is not None:
                    executor._idle_semaphore.release()
                del executor
                yield from until(lambda: not work_queue.empty(), None, strands.IDLE)
            item = work_queue.get_nowait()
            if item is not None:
                yield from run(item)
                del item
                continue
            executor = executor_reference()
            if module._shutdown or executor is None or executor._shutdown:
                if executor is not None:
                    executor._shutdown = True
                work_queue.put(None)
                return
            del executor

    def run(item: Any) -> Work:
        if not item.future.set_running_or_notify_cancel():
            return
        try:
            function, args, kwargs = item.task
            result = yield from step_functions.steps(function, *args, **kwargs)
        except BaseException as error:
            item.future.set_exception(error)
            item = None
        else:
            item.future.set_result(result)

    def shutdown(executor: Any, wait: bool = True, *, cancel_futures: bool = False) -> Work:
        original(executor, wait=False, cancel_futures=cancel_futures)
        if wait:
            for thread in executor._threads:
                handle = thread._os_thread_handle
                yield from until(handle.is_done, None, f"the end of {thread.name!r}")

    original = module.ThreadPoolExecutor.shutdown
    _waiting[module._worker] = work
    _waiting[original] = shutdown


FILLS: dict[str, Callable[[Any], None]] = {
    "threading": threading_calls.fill,
    "queue": fill_queue,
    "concurrent.futures._base": fill_futures,
    "concurrent.futures.thread": fill_pool,
}
