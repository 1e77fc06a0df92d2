"""How the classes of `threading` wait in a strand."""

from __future__ import annotations

import threading

from capsule_guest.threads import locks, step_functions, strands
from capsule_guest.threads.lock_calls import free, polled_by, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType
    from typing import Any

    Work = Generator[Any, None, Any]

_waiting, _entered = step_functions.waiting, step_functions.entered
_original_acquire, _original_join = threading.Semaphore.acquire, threading.Thread.join


def _free_condition(condition: Any) -> Work:
    yield from free(condition._lock)
    return condition


def _wait(condition: Any, timeout: float | None = None) -> Work:
    if not condition._is_owned():
        raise RuntimeError("cannot wait on un-acquired lock")
    waiter = locks.Lock()
    waiter.acquire()
    condition._waiters.append(waiter)
    saved = condition._release_save()
    told = False
    try:
        seconds = None if timeout is None else max(timeout, 0)
        told = yield from until(waiter.free, seconds, "a condition")
        return told
    finally:
        yield from free(condition._lock)
        condition._acquire_restore(saved)
        if not told and waiter in condition._waiters:
            condition._waiters.remove(waiter)


def _wait_for(condition: Any, predicate: Any, timeout: float | None = None) -> Work:
    deadline = None if timeout is None else strands._now() + timeout
    while not (found := predicate()):
        left = None if deadline is None else deadline - strands._now()
        if left is not None and left <= 0:
            break
        yield from _wait(condition, left)
    return found


def _wait_event(event: Any, timeout: float | None = None) -> Work:
    seconds = None if timeout is None else max(timeout, 0)
    return (yield from until(lambda: event._flag, seconds, "an event"))


def _acquire(semaphore: Any, blocking: bool = True, timeout: float | None = None) -> Work:
    if not blocking and timeout is not None:
        raise ValueError("can't specify timeout for non-blocking acquire")
    if blocking:
        yield from until(lambda: semaphore._value > 0, timeout, "a semaphore")
    return _original_acquire(semaphore, False)


def _enter(semaphore: Any) -> Work:
    yield from until(lambda: semaphore._value > 0, None, "a semaphore")
    return semaphore


def _join(thread: Any, timeout: float | None = None) -> Work:
    _original_join(thread, 0)  # which says what is wrong with it
    seconds = None if timeout is None else max(timeout, 0)
    yield from until(thread._os_thread_handle.is_done, seconds, f"the end of {thread.name!r}")


def _wait_barrier(barrier: Any, timeout: float | None = None) -> Work:
    timeout = barrier._timeout if timeout is None else timeout
    condition = barrier._cond
    yield from _free_condition(condition)
    with condition:
        while barrier._state in (-1, 1):
            yield from _wait(condition)
        if barrier._state < 0:
            raise threading.BrokenBarrierError
        index = barrier._count
        barrier._count += 1
        try:
            if index + 1 == barrier._parties:
                barrier._release()
            elif not (yield from _wait_for(condition, lambda: barrier._state != 0, timeout)):
                barrier._break()
                raise threading.BrokenBarrierError
            elif barrier._state < 0:
                raise threading.BrokenBarrierError
            return index
        finally:
            barrier._count -= 1
            barrier._exit()


def _run(thread: Any) -> Work:
    try:
        if thread._target is not None:
            yield from step_functions.steps(thread._target, *thread._args, **thread._kwargs)
    finally:
        del thread._target, thread._args, thread._kwargs


def _run_timer(timer: Any) -> Work:
    yield from _wait_event(timer.finished, timer.interval)
    if not timer.finished.is_set():
        yield from step_functions.steps(timer.function, *timer.args, **timer.kwargs)
    timer.finished.set()


def fill(module: ModuleType) -> None:
    """Say how the classes of `threading` are waited for."""
    for kind in (threading.Semaphore, threading.BoundedSemaphore):
        _entered[kind] = _enter
    _entered[threading.Condition] = _free_condition
    _waiting.update(
        {
            threading.Condition.wait: _wait,
            threading.Condition.wait_for: _wait_for,
            threading.Event.wait: _wait_event,
            threading.Semaphore.acquire: _acquire,
            threading.Thread.join: _join,
            threading.Thread.run: _run,
            threading.Timer.run: _run_timer,
            threading.Barrier.wait: _wait_barrier,
        }
    )
    polled_by(threading.Thread.is_alive)
    polled_by(threading.Event.is_set)
