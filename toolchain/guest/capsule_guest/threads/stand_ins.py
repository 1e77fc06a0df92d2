"""`threading`, `queue` and `concurrent.futures` over strands."""

from __future__ import annotations

import contextvars
import sys

from capsule_guest import pauses
from capsule_guest.threads import locks, strands, thread_locals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType
    from typing import Any

    Execute = Callable[[ModuleType], None]

_OURS = "/capsule/"
_FILLED = ["threading", "queue", "concurrent.futures._base", "concurrent.futures.thread"]
# What says how the functions of other modules wait, by the module.
_more: dict[str, Callable[[Any], None]] = {}
# `step_functions`, once there is a thread: most programs that import `threading` start none.
_loaded: list[Any] = []


def steps_of_all() -> Any:
    """Return `step_functions`, which knows how all that was imported waits."""
    if not _loaded:
        from capsule_guest.threads import blocking_calls, step_functions

        blocking_calls.install()
        _loaded.append(step_functions)
        for name in _FILLED:
            if name in sys.modules:
                _fill(name)
    return _loaded[0]


def _fill(name: str) -> None:
    if _loaded:
        from capsule_guest.threads import blocking_calls

        fill = _more.get(name) or blocking_calls.FILLS[name]
        fill(sys.modules[name])


def also_fill(name: str, fill: Callable[[Any], None]) -> None:
    """Have `fill` say how the functions of a module wait, which was imported."""
    _more[name] = fill
    _FILLED.append(name)
    _fill(name)


def adapt_threading(module: ModuleType, execute: Execute) -> None:
    """Run `threading`, with locks and threads of ours."""
    import _thread

    low: Any = _thread
    low.lock = low.LockType = locks.Lock
    low.allocate_lock = low.allocate = locks.Lock
    low.get_ident = low._get_main_thread_ident = locks.get_ident
    low._ThreadHandle = locks.ThreadHandle
    low._make_thread_handle = locks.ThreadHandle
    low.start_new_thread = low.start_new = _start_new_thread
    execute(module)
    threading: Any = module
    threading._get_main_thread_ident = low._get_main_thread_ident = lambda: strands.main.ident
    threading.RLock = threading._RLock = locks.RLock
    threading._active_limbo_lock = locks.RLock()
    threading.Thread.start = _start
    threading.Thread.is_alive = _with_a_turn(threading.Thread.is_alive)
    threading.Event.is_set = threading.Event.isSet = _with_a_turn(threading.Event.is_set)
    threading.local = thread_locals.local
    _fill("threading")


def _with_a_turn(asks: Any) -> Any:
    """Let others go on where the main program asks again and again whether something is so."""

    def asked(self: Any) -> Any:
        if strands.current is strands.main:
            strands.turn()
        return asks(self)

    asked.__name__, asked.__qualname__ = asks.__name__, asks.__qualname__
    asked.__module__, asked.__doc__ = asks.__module__, asks.__doc__
    return asked


def _start(thread: Any) -> None:
    """Start the thread's activity."""
    threading: Any = sys.modules["threading"]
    steps_of_all()
    if not thread._initialized:
        raise RuntimeError("thread.__init__() not called")
    if thread._started._flag:
        raise RuntimeError("threads can only be started once")
    if thread._context is None:
        inherit = sys.flags.thread_inherit_context  # type: ignore[attr-defined]
        thread._context = contextvars.copy_context() if inherit else contextvars.Context()
    strand = strands.add(thread.name, thread._context, _life(thread))
    thread._ident = thread._native_id = thread._os_thread_handle.ident = strand.ident
    threading._active[strand.ident] = thread
    thread._started.set()
    function = thread.run
    steps_of_all().enter_library(function)
    if getattr(function, "__func__", None) is threading.Thread.run:
        function = thread._target
        steps_of_all().enter_library(function)
    elif isinstance(thread, threading.Timer):
        function = None
    if _begins(function):
        strands.begin(strand)


def _begins(function: Any) -> bool:
    """Say whether a thread begins at once: what it does first can be told, or stopped."""
    pool = sys.modules.get("concurrent.futures.thread")
    if pool is not None and function is pool._worker:  # type: ignore[attr-defined]
        return False  # see `_submit`: the pool holds its locks now
    return function is None or steps_of_all().is_prompt(function)


def _life(thread: Any) -> Generator[Any, None, None]:
    """Yield what a thread waits for, until it ends."""
    threading: Any = sys.modules["threading"]
    try:
        if threading._trace_hook:
            sys.settrace(threading._trace_hook)
        yield from steps_of_all().steps(thread.run)
    except BaseException as error:
        error.__traceback__ = _of_the_task(error.__traceback__)
        if getattr(error, pauses.OURS, False):
            pauses.cut_short.append(error)
        thread._invoke_excepthook(thread)
    finally:
        threading._active.pop(thread._ident, None)
        thread._os_thread_handle._set_done()


def _of_the_task(trace: Any) -> Any:
    """Leave out the first frames, which are not those of the thread's own code."""
    first = trace
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace or first


def _start_new_thread(function: Any, args: tuple, kwargs: Any = None, /) -> int:
    import threading

    thread = threading.Thread(target=function, args=args, kwargs=kwargs, daemon=True)
    thread.start()
    return thread.ident or 0


def adapt_queue(module: ModuleType, execute: Execute) -> None:
    """Run `queue`, whose queues in C would wait for ever."""
    execute(module)
    queue: Any = module
    queue.SimpleQueue = queue._PySimpleQueue
    queue.SimpleQueue.__name__ = queue.SimpleQueue.__qualname__ = "SimpleQueue"
    queue.Queue.empty = _with_a_turn(queue.Queue.empty)
    _fill("queue")


def adapt_futures(module: ModuleType, execute: Execute) -> None:
    """Run `concurrent.futures._base`."""
    execute(module)
    futures: Any = module
    futures.Future.done = _with_a_turn(futures.Future.done)
    _fill("concurrent.futures._base")


def adapt_pool(module: ModuleType, execute: Execute) -> None:
    """Run `concurrent.futures.thread`."""
    execute(module)
    pool: Any = module
    original = pool.ThreadPoolExecutor.submit

    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        future = original(self, fn, *args, **kwargs)
        if steps_of_all().is_prompt(fn):
            strands.begin_one({thread._ident for thread in self._threads})
        return future

    submit.__qualname__, submit.__doc__ = original.__qualname__, original.__doc__
    pool.ThreadPoolExecutor.submit = submit
    _fill("concurrent.futures.thread")
