"""Ctrl-C and SIGTERM during a run: the sandbox is ended first, then capsule says so."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager

from capsule.signal_calls import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from capsule.process.cancel import Cancellation

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
INTERRUPTED = 130


class Interrupted(BaseException):
    """Raised when a signal ends a command; unlike KeyboardInterrupt, typer leaves it alone."""


@contextmanager
def cancelling(cancellation: Cancellation) -> Iterator[None]:
    """Let signals set `cancellation` inside the block; one who insists gets through."""
    with waited_for(lambda number: _cancel(cancellation, number)):
        yield


def _cancel(cancellation: Cancellation, number: int) -> None:
    if cancellation.cancelled and number == signal.SIGINT:
        # The kernel ends the sandboxes of a program that is gone.
        os._exit(INTERRUPTED)
    cancellation.cancel()


@contextmanager
def waited_for(tell: Callable[[int], None]) -> Iterator[None]:
    """Call `tell` in a thread for each signal that comes inside the block.

    Python runs a handler in the main thread alone, and only when that wakes up: where there are
    other threads, the system may give the signal to one of them, and the main thread sleeps on.
    """
    if sys.platform == "win32":
        from capsule.cli.runtime.console_events import told_in_a_thread

        with told_in_a_thread(tell):
            yield
        return
    numbers = _numbers()
    if not numbers:
        yield
        return
    over = threading.Event()

    def wait() -> None:
        while True:
            number = signal.sigwait(numbers)
            if over.is_set():
                return
            tell(number)

    # Blocked here, and in every thread that is started from now on.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    thread = threading.Thread(target=wait, name="capsule-signals", daemon=True)
    try:
        thread.start()
        yield
    finally:
        over.set()
        if thread.ident is not None:
            signal.pthread_kill(thread.ident, numbers[0])
            thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _numbers() -> list[int]:
    """Return those that end a command.

    What was ignored when it began stays ignored, as by `nohup`, or SIGINT in a script's background.
    Linux would give it to `sigwait` all the same: what is blocked is kept, also when it is ignored.
    """
    present = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [number for number in present if signal.getsignal(number) != signal.SIG_IGN]


def as_interrupts() -> None:
    """Let signals end whatever capsule does outside of a run, by raising `Interrupted`."""
    for number in _numbers():
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted
