"""What needs other processes or signals, which a sandbox has not: a message that says so."""

from __future__ import annotations

import errno
import os

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Execute = Callable[[ModuleType], None]

_PROCESSES = frozenset(
    (
        "fork", "forkpty", "system", "wait", "waitpid", "waitid", "wait3", "wait4", "kill",
        "killpg", "pipe", "pipe2", "abort", "execl", "execle", "execlp", "execlpe", "execv",
        "execve", "execvp", "execvpe", "posix_spawn", "posix_spawnp", "spawnl", "spawnle",
        "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe", "setsid",
        "pidfd_open", "register_at_fork", "WNOHANG",
    )
)  # fmt: skip
_SIGNALS = frozenset(
    (
        "alarm", "pause", "setitimer", "getitimer", "sigwait", "sigtimedwait", "sigwaitinfo",
        "pthread_kill", "pthread_sigmask", "siginterrupt", "valid_signals", "ITIMER_REAL",
    )
)  # fmt: skip
_ALONE = "a sandbox is one process, with one thread, and can start no other"
# What of `multiprocessing` would be shared between processes, or is one.
_SHARED = (
    "Pool", "Manager", "Pipe", "Queue", "JoinableQueue", "SimpleQueue", "Lock", "RLock",
    "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier", "Value", "Array",
    "RawValue", "RawArray",
)  # fmt: skip


def install() -> None:
    """Have missing names say why they are missing, and `multiprocessing` what it lacks."""
    _explain(os, _PROCESSES, _ALONE)

    def run_signal(module: ModuleType, execute: Execute) -> None:
        execute(module)
        _explain(module, _SIGNALS, "no signal reaches a sandbox")

    adapt("signal", run_signal)
    adapt("multiprocessing.context", _adapt_contexts)
    adapt("concurrent.futures.process", _adapt_executor)


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

    return refuse


def _adapt_contexts(module: ModuleType, execute: Execute) -> None:
    execute(module)
    contexts: Any = module
    instead = "threads work (threading, concurrent.futures.ThreadPoolExecutor), and so do tasks"
    for name in _SHARED:
        refuse = _refuse(f"multiprocessing.{name}", instead)
        setattr(contexts.BaseContext, name, refuse)
    contexts.process.BaseProcess.start = _refuse("multiprocessing.Process", instead)


def _adapt_executor(module: ModuleType, execute: Execute) -> None:
    execute(module)
    refuse = _refuse("ProcessPoolExecutor", "use ThreadPoolExecutor, or call tasks")
    module.ProcessPoolExecutor.__init__ = refuse  # type: ignore[attr-defined]
