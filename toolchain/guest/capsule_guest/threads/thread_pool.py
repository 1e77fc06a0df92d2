"""`multiprocessing.pool.ThreadPool`: that of the library hands its work on through more threads."""

from __future__ import annotations

import multiprocessing
import os
from concurrent import futures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    Call = Callable[..., Any]


class AsyncResult:
    """What a call comes to, or what many come to: a list."""

    def __init__(
        self, begun: list[futures.Future], many: bool, callback: Any, error_callback: Any
    ) -> None:
        self._begun, self._many, self._left = begun, many, len(begun)
        self._callback, self._error_callback = callback, error_callback
        for future in begun:
            future.add_done_callback(self._ended)

    def _ended(self, future: futures.Future) -> None:
        self._left -= 1
        if self._left:
            return
        error = self._error()
        if error is not None and self._error_callback is not None:
            self._error_callback(error)
        elif error is None and self._callback is not None:
            self._callback(self._value())

    def _error(self) -> BaseException | None:
        found = (each.exception() for each in self._begun if not each.cancelled())
        return next((error for error in found if error is not None), None)

    def _value(self) -> Any:
        values = [each.result() for each in self._begun]
        return values if self._many else values[0]

    def ready(self) -> bool:
        """Say whether it is done."""
        return all(each.done() for each in self._begun)

    def successful(self) -> bool:
        """Say whether nothing was raised."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._error() is None

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is done."""
        futures.wait(self._begun, timeout)

    def get(self, timeout: float | None = None) -> Any:
        """Return what was returned, or raise what was raised."""
        self.wait(timeout)
        if not self.ready():
            raise multiprocessing.TimeoutError
        error = self._error()
        if error is not None:
            raise error
        return self._value()


class _Results:
    """What `imap` returns."""

    def __init__(self, begun: Iterator[futures.Future]) -> None:
        self._begun = begun

    def __iter__(self) -> _Results:
        return self

    def next(self, timeout: float | None = None) -> Any:
        """Return the next value, waiting so many seconds for it."""
        try:
            return next(self._begun).result(timeout)
        except futures.TimeoutError:
            raise multiprocessing.TimeoutError from None

    __next__ = next  # noqa: A003


class ThreadPool:
    """A pool of threads with the methods of `multiprocessing.Pool`."""

    def __init__(
        self, processes: int | None = None, initializer: Any = None, initargs: tuple = ()
    ) -> None:
        count = (os.cpu_count() or 1) if processes is None else processes
        if count < 1:
            raise ValueError("Number of processes must be at least 1")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._pool = futures.ThreadPoolExecutor(count, "ThreadPool", initializer, initargs)
        self._running = True

    def _begin(self, function: Call, calls: Iterable[tuple]) -> list[futures.Future]:
        if not self._running:
            raise ValueError("Pool not running")
        return [self._pool.submit(function, *args) for args in calls]

    def apply(self, func: Call, args: tuple = (), kwds: Any = None) -> Any:
        """Call a function, and wait for it."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(
        self,
        func: Call,
        args: tuple = (),
        kwds: Any = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        """Call a function."""
        if not self._running:
            raise ValueError("Pool not running")
        begun = self._pool.submit(func, *args, **(kwds or {}))
        return AsyncResult([begun], False, callback, error_callback)

    def map(self, func: Call, iterable: Iterable, chunksize: int | None = None) -> list:
        """Call a function for each item, and wait for all."""
        return self.map_async(func, iterable).get()

    def map_async(
        self,
        func: Call,
        iterable: Iterable,
        chunksize: int | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        """Call a function for each item."""
        begun = self._begin(func, ((item,) for item in iterable))
        return AsyncResult(begun, True, callback, error_callback)

    def starmap(self, func: Call, iterable: Iterable, chunksize: int | None = None) -> list:
        """Call a function with the arguments in each item, and wait for all."""
        return self.starmap_async(func, iterable).get()

    def starmap_async(
        self,
        func: Call,
        iterable: Iterable,
        chunksize: int | None = None,
        callback: Any = None,
        error_callback: Any = None,
    ) -> AsyncResult:
        """Call a function with the arguments in each item."""
        return AsyncResult(self._begin(func, map(tuple, iterable)), True, callback, error_callback)

    def imap(self, func: Call, iterable: Iterable, chunksize: int = 1) -> _Results:
        """Call a function for each item; return the values in order."""
        return _Results(iter(self._begin(func, ((item,) for item in iterable))))

    def imap_unordered(self, func: Call, iterable: Iterable, chunksize: int = 1) -> _Results:
        """Call a function for each item; return the values as they come."""
        return _Results(futures.as_completed(self._begin(func, ((item,) for item in iterable))))

    def close(self) -> None:
        """Take no more calls."""
        self._running = False
        self._pool.shutdown(wait=False)

    def terminate(self) -> None:
        """Take no more calls, and leave those that have not begun."""
        self._running = False
        self._pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait for all threads, once it takes no more calls."""
        if self._running:
            raise ValueError("Pool is still running")
        self._pool.shutdown()

    def __enter__(self) -> ThreadPool:
        if not self._running:
            raise ValueError("Pool not running")
        return self

    def __exit__(self, *exc: object) -> None:
        self.terminate()
