"""Threads where there are none: what is put in place when `threading` and its like are imported."""

from __future__ import annotations

from capsule_guest import pauses
from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Execute = Callable[[ModuleType], None]


def adapt_on_import() -> None:
    """Be ready for what may be imported."""
    pauses.install()
    adapt("threading", _threading)
    adapt("queue", _queue)
    adapt("concurrent.futures._base", _futures)
    adapt("concurrent.futures.thread", _pool)
    adapt("multiprocessing.pool", _thread_pool)


def finish() -> None:
    """Wait for all threads that are no daemons, as an interpreter does at its end.

    Raises what a thread ended by that could go on outside: what the task has come to without it
    is no result.
    """
    if pauses.others:
        pauses.ways["finish"]()
    if pauses.cut_short:
        raise pauses.cut_short[0]


def _threading(module: ModuleType, execute: Execute) -> None:
    from capsule_guest.threads import stand_ins

    stand_ins.adapt_threading(module, execute)


def _queue(module: ModuleType, execute: Execute) -> None:
    import threading  # noqa: F401 - what is below it

    from capsule_guest.threads import stand_ins

    stand_ins.adapt_queue(module, execute)


def _futures(module: ModuleType, execute: Execute) -> None:
    import threading  # noqa: F401 - what is below it

    from capsule_guest.threads import stand_ins

    stand_ins.adapt_futures(module, execute)


def _pool(module: ModuleType, execute: Execute) -> None:
    from capsule_guest.threads import stand_ins

    stand_ins.adapt_pool(module, execute)


def _thread_pool(module: ModuleType, execute: Execute) -> None:
    execute(module)
    from capsule_guest.threads.thread_pool import ThreadPool

    module.ThreadPool = ThreadPool  # type: ignore[attr-defined]
