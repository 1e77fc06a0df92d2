"""asyncio without threads and sockets.

asyncio is large, so it is adapted when it is imported, by whomever.
"""

from __future__ import annotations

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def adapt_on_import() -> None:
    """Make asyncio's own event loop work here, for `asyncio.run` in a task too."""

    def run(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
        execute(module)
        _adapt(module.BaseSelectorEventLoop)

    adapt("asyncio.selector_events", run)


def _adapt(loop_class) -> None:  # type: ignore[no-untyped-def]
    """Take out what needs threads, signals or sockets.

    The loop wakes itself from other threads and from signals through a pair of sockets; nothing
    here can wake it but what it waits for. A call "in a thread" runs at once, in place.
    """

    def make_self_pipe(loop) -> None:  # type: ignore[no-untyped-def]
        loop._internal_fds += 1

    def close_self_pipe(loop) -> None:  # type: ignore[no-untyped-def]
        loop._internal_fds -= 1

    def write_to_self(loop) -> None:  # type: ignore[no-untyped-def]
        return None

    def run_in_executor(loop, executor, function, *args):  # type: ignore[no-untyped-def]
        future = loop.create_future()
        try:
            if executor is None:
                future.set_result(function(*args))
            else:
                future.set_result(executor.submit(function, *args).result())
        except Exception as error:
            future.set_exception(error)
        return future

    loop_class._make_self_pipe = make_self_pipe
    loop_class._close_self_pipe = close_self_pipe
    loop_class._write_to_self = write_to_self
    loop_class.run_in_executor = run_in_executor


def run(awaitable) -> object:  # type: ignore[no-untyped-def]
    """Run what an `async def` task returned until it is done."""
    import asyncio

    async def main() -> object:
        return await awaitable

    return asyncio.run(main())
