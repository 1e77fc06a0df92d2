"""Work that goes on behind an answer."""

from __future__ import annotations

import _thread
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Future[T]:
    """Have `work` done in a thread, or here where there can be none; return what comes of it.

    `threading` waits until a thread has begun, and the thread goes on at once, so that whoever
    started it gets Python's lock back a millisecond later: as long as half of a turn.

    >>> in_background(lambda: 6 * 7).result()
    42
    """
    found: Future[T] = Future()

    def do() -> None:
        try:
            found.set_result(work())
        except BaseException as failed:  # noqa: BLE001 - raised where it is waited for
            found.set_exception(failed)

    try:
        _thread.start_new_thread(do, ())
    except RuntimeError:  # no more threads are allowed here
        do()
    return found


def done(value: T) -> Future[T]:
    """Return a future that has come to `value` already.

    >>> done(42).result()
    42
    """
    made: Future[T] = Future()
    made.set_result(value)
    return made
