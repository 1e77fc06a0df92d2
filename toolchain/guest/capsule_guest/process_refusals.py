"""What needs other processes or signals, which a sandbox has not: a message that says so."""

from __future__ import annotations

import errno
import os
from importlib import import_module

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Execute = Callable[[ModuleType], None]

# What programs look for before they use it, so that it stays missing.
_PROCESSES = frozenset(
    (
        "fork", "forkpty", "wait", "waitid", "wait3", "wait4", "killpg", "pipe2", "posix_spawn",
        "posix_spawnp", "setsid", "pidfd_open", "register_at_fork", "WNOHANG",
    )
)  # fmt: skip
# What every system has, so that programs call it at once, and catch an `OSError`.
_CALLED = (
    "system", "execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp",
    "execvpe", "spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp",
    "spawnvpe",
)  # fmt: skip
_SIGNALS = frozenset(
    (
        "alarm", "pause", "setitimer", "getitimer", "sigwait", "sigtimedwait", "sigwaitinfo",
        "pthread_kill", "pthread_sigmask", "siginterrupt", "valid_signals", "ITIMER_REAL",
    )
)  # fmt: skip
_ALONE = "a sandbox is one process and can start no other"
_INSTEAD = "threads work (threading, concurrent.futures.ThreadPoolExecutor), and tasks call tasks"
_NO_PROGRAM = "use a Python package for it, or a host function (tools=) of whoever runs this"
_NO_SIGNAL = "no signal reaches a sandbox; a task's timeout= and compute= limit how long it runs"
# What of `multiprocessing` would be shared between processes, or is one.
_SHARED = (
    "Pool", "Manager", "Pipe", "Queue", "JoinableQueue", "SimpleQueue", "Lock", "RLock",
    "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier", "Value", "Array",
    "RawValue", "RawArray",
)  # fmt: skip


def install() -> None:
    """Have what is missing say why, and raise what programs catch."""
    _explain(os, _PROCESSES, f"{_ALONE}; {_INSTEAD}")
    for name in _CALLED:
        setattr(os, name, _refuse(f"os.{name}", _NO_PROGRAM))
    os.pipe = _refuse("os.pipe", "use queue.Queue or io.BytesIO")
    os.waitpid = _no_child
    os.kill = _kill

    def run_signal(module: ModuleType, execute: Execute) -> None:
        execute(module)
        _explain(module, _SIGNALS, _NO_SIGNAL)

    adapt("signal", run_signal)
    adapt("subprocess", _adapt_subprocess)
    adapt("multiprocessing.context", _adapt_contexts)
    adapt("concurrent.futures.process", _adapt_executor)


def _no_child(pid: int, options: int, /) -> Any:
    """Say that there are no children to wait for, as the system would."""
    raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))


def _kill(pid: int, signal: int, /) -> None:
    """Send a signal to this process, which has it where a function of Python's handles it."""
    if pid not in (0, os.getpid()):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    if not signal:
        return
    signals = import_module("signal")
    if not callable(signals.getsignal(signal)):
        text = f"os.kill cannot end this program: {_NO_SIGNAL}; raise SystemExit"
        raise OSError(errno.ENOTSUP, text)
    signals.raise_signal(signal)


def _explain(module: ModuleType, names: frozenset[str], why: str) -> None:
    known: Any = getattr(module, "__getattr__", None)

    def missing(name: str) -> Any:
        if name in names:
            text = f"module {module.__name__!r} has no attribute {name!r}: {why}"
            raise AttributeError(text, name=name, obj=module)
        if known is not None:
            return known(name)
        text = f"module {module.__name__!r} has no attribute {name!r}"
        raise AttributeError(text, name=name, obj=module)

    module.__getattr__ = missing  # type: ignore[method-assign]


def _refuse(what: str, instead: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.ENOTSUP, f"{what} cannot be had here: {_ALONE}; {instead}")

    refuse.__name__ = refuse.__qualname__ = what.rpartition(".")[2]
    return refuse


def _adapt_subprocess(module: ModuleType, execute: Execute) -> None:
    execute(module)
    popen: Any = module.Popen

    def refuse(self: Any, args: Any, *_: Any, **kwargs: Any) -> None:
        one = isinstance(args, (str, bytes, os.PathLike))
        text = (
            f"{args if one else next(iter(args), '')!r} cannot be started: {_ALONE}; {_NO_PROGRAM}"
        )
        raise OSError(errno.ENOTSUP, text)

    refuse.__name__ = refuse.__qualname__ = "__init__"
    popen.__init__ = refuse


def _adapt_contexts(module: ModuleType, execute: Execute) -> None:
    execute(module)
    contexts: Any = module
    for name in _SHARED:
        refuse = _refuse(f"multiprocessing.{name}", _INSTEAD)
        setattr(contexts.BaseContext, name, refuse)
    contexts.process.BaseProcess.start = _refuse("multiprocessing.Process", _INSTEAD)


def _adapt_executor(module: ModuleType, execute: Execute) -> None:
    execute(module)
    refuse = _refuse("ProcessPoolExecutor", _INSTEAD)
    module.ProcessPoolExecutor.__init__ = refuse  # type: ignore[attr-defined]
