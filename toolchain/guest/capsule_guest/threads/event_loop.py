"""asyncio's event loop, which waits for the host and for strands, and lets strands go on."""

from __future__ import annotations

import contextvars
import functools
import selectors
import sys
import threading

from capsule_guest import calls
from capsule_guest.net.connection import by_number
from capsule_guest.threads import stand_ins, strands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Any

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class HostSelector(selectors._BaseSelectorImpl):  # type: ignore[name-defined,misc]
    """What an event loop waits with: for sockets of ours, the host's answers, and strands."""

    loop: Any = None

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return the sockets that are ready, waiting for one for so many seconds."""
        strands.loops.append(self)
        try:
            if timeout is None or timeout > 0:
                until = strands.deadline_of(timeout)
                strands.wait(self._wakes, until, self._nothing_comes, loop=self)
            else:
                strands.turn()
                while calls.outstanding() and calls.comes():
                    calls.take()
        finally:
            strands.loops.remove(self)
        return self.ready()

    def ready(self) -> list[Any]:
        """Return the sockets that are ready."""
        found = []
        for key in self.get_map().values():
            connection = by_number(key.fd)
            events = _READ | _WRITE
            if connection is not None and not connection.readable():
                events = _WRITE
            if events & key.events:
                found.append((key, events & key.events))
        return found

    def _wakes(self) -> bool:
        return bool(self.loop._ready or self.ready())

    def _nothing_comes(self) -> str:
        import asyncio

        names = [task.get_name() for task in asyncio.all_tasks(self.loop)]
        waiting = f" ({', '.join(sorted(names)[:5])})" if names else ""
        return (
            "nothing can wake the event loop any more: there is no timer, no request and no other"
            f" thread, and each of its tasks{waiting} waits for something that nobody will do"
        )

    def pump(self) -> bool:
        """Let the loop go on while a strand waits on top of it; say whether it did something."""
        loop = self.loop
        if loop._stopping or loop.is_closed() or not (self._wakes() or self._timer_is_due()):
            return False
        from asyncio import events

        events._set_running_loop(loop)  # type: ignore[attr-defined]
        try:
            loop._run_once()
        finally:
            events._set_running_loop(None)  # type: ignore[attr-defined]
        return True

    def until(self) -> float | None:
        """Return when the first timer of the loop is due."""
        return self.loop._scheduled[0]._when if self.loop._scheduled else None

    def steps(self) -> Generator[Any, None, None]:
        """Wait until the loop has something to do, where it runs in a strand."""
        loop = self.loop

        def due() -> bool:
            return bool(loop._stopping or self._wakes() or self._timer_is_due())

        if not due():
            yield strands.Wait(due, self.until(), "its event loop")

    def _timer_is_due(self) -> bool:
        until = self.until()
        return until is not None and until <= self.loop.time()


def adapt(loop_class: Any) -> None:
    """Make the loop wait with a `HostSelector`, and take out what needs signals or other sockets.

    Nothing here can wake it but what it waits for. A call "in a thread" is one in a strand.
    """
    original_init, original_run = loop_class.__init__, loop_class.run_in_executor

    def __init__(loop: Any, selector: Any = None) -> None:  # noqa: N807 - it takes the place of one
        selector = HostSelector() if selector is None else selector
        original_init(loop, selector)
        if isinstance(selector, HostSelector):
            selector.loop = loop
        loop._capsule_threads = []

    def make_self_pipe(loop: Any) -> None:
        loop._internal_fds += 1

    def close_self_pipe(loop: Any) -> None:
        loop._internal_fds -= 1

    def write_to_self(loop: Any) -> None:
        return None

    def run_in_executor(loop: Any, executor: Any, function: Any, *args: Any) -> Any:
        loop._check_closed()
        if executor is not None or loop._default_executor is not None:
            return original_run(loop, executor, function, *args)
        if loop._executor_shutdown_called:
            raise RuntimeError("Executor shutdown has been called")
        stand_ins.steps_of_all().waiting[_execute] = _execute_steps
        future = loop.create_future()
        loop._capsule_threads = [
            each for each in loop._capsule_threads if not each._os_thread_handle.is_done()
        ]
        thread = threading.Thread(
            target=_execute,
            args=(future, function, args),
            name=f"asyncio_{len(loop._capsule_threads)}",
            daemon=True,
        )
        loop._capsule_threads.append(thread)
        thread.start()
        return future

    async def getaddrinfo(loop: Any, *args: Any, **kwargs: Any) -> Any:
        import socket

        return socket.getaddrinfo(*args, **kwargs)

    async def shutdown_default_executor(loop: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109
        loop._executor_shutdown_called = True
        executor = loop._default_executor
        for thread in loop._capsule_threads:
            thread.join(timeout)
        if executor is not None:
            executor.shutdown()

    loop_class.__init__ = __init__
    loop_class._make_self_pipe = make_self_pipe
    loop_class._close_self_pipe = close_self_pipe
    loop_class._write_to_self = write_to_self
    loop_class.run_in_executor = run_in_executor
    loop_class.getaddrinfo = getaddrinfo
    loop_class.shutdown_default_executor = shutdown_default_executor
    stand_ins.also_fill("asyncio.base_events", fill_events)


def refuse_signals(loop_class: Any) -> None:
    """Say that no signal can be handled, as loops do that know none."""

    def add_signal_handler(loop: Any, sig: int, callback: Any, *args: Any) -> None:
        raise NotImplementedError("no signal reaches a sandbox, so none can be handled in it")

    def remove_signal_handler(loop: Any, sig: int) -> bool:
        return False

    loop_class.add_signal_handler = add_signal_handler
    loop_class.remove_signal_handler = remove_signal_handler


def fill_events(module: Any) -> None:
    """Say how the event loops of `asyncio.base_events` run in a strand."""

    def run_forever(loop: Any) -> Generator[Any, None, None]:
        if not isinstance(loop._selector, HostSelector):
            return original(loop)
        loop._run_forever_setup()
        try:
            while True:
                yield from loop._selector.steps()
                loop._run_once()
                if loop._stopping:
                    break
        finally:
            loop._run_forever_cleanup()

    def run_until_complete(loop: Any, future: Any) -> Generator[Any, None, Any]:
        import asyncio

        loop._check_closed()
        loop._check_running()
        made_here = not asyncio.isfuture(future)
        future = asyncio.ensure_future(future, loop=loop)
        if made_here:
            future._log_destroy_pending = False
        future.add_done_callback(stop)
        try:
            yield from run_forever(loop)
        except BaseException:
            if made_here and future.done() and not future.cancelled():
                future.exception()
            raise
        finally:
            future.remove_done_callback(stop)
        if not future.done():
            raise RuntimeError("Event loop stopped before Future completed.")
        return future.result()

    def run(main: Any, *, debug: Any = None, loop_factory: Any = None) -> Generator[Any, None, Any]:
        import asyncio

        if not asyncio.iscoroutine(main) or asyncio._get_running_loop() is not None:
            return asyncio.run(main)  # which says what is wrong
        with asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner:
            task = runner.get_loop().create_task(main, context=runner._context)  # type: ignore[attr-defined]
            return (yield from run_until_complete(runner.get_loop(), task))

    stop = module._run_until_complete_cb
    kind = module.BaseEventLoop
    original = kind.run_forever
    known = stand_ins.steps_of_all().waiting
    known[original], known[kind.run_until_complete] = run_forever, run_until_complete
    if (runners := sys.modules.get("asyncio.runners")) is not None:
        known[runners.run] = run


def _execute(future: Any, function: Any, args: tuple) -> None:
    """Do for an event loop what it asks for; as a thread's work it is known by its steps."""


def _execute_steps(future: Any, function: Any, args: tuple) -> Generator[Any, None, None]:
    # The loop goes on first, as it does outside.
    yield strands.PASS
    function, args, kwargs, context = _unwrapped(function, args)
    step_functions = stand_ins.steps_of_all()
    work = step_functions.steps(function, *args, **kwargs)
    try:
        result = yield from (work if context is None else step_functions.within(context, work))
    except StopIteration as error:
        _tell(future, RuntimeError(f"coroutine raised StopIteration: {error}"), failed=True)
    except BaseException as error:
        _tell(future, error, failed=True)
    else:
        _tell(future, result, failed=False)


def _tell(future: Any, value: Any, *, failed: bool) -> None:
    if future.done() or future.get_loop().is_closed():
        return
    if failed:
        future.set_exception(value)
    else:
        future.set_result(value)


def _unwrapped(function: Any, args: tuple) -> tuple[Any, tuple, Mapping[str, Any], Any]:
    """Look into what `asyncio.to_thread` makes of a function: its call in a context."""
    kwargs: Mapping[str, Any] = {}
    if isinstance(function, functools.partial):
        function, args, kwargs = function.func, (*function.args, *args), function.keywords
    context = getattr(function, "__self__", None)
    if isinstance(context, contextvars.Context) and args:
        return args[0], args[1:], kwargs, context
    return function, args, kwargs, None
