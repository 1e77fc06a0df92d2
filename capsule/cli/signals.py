"""Ctrl-C and SIGTERM during a run: the sandbox is ended first, then capsule says so."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from capsule.process.cancel import Cancellation

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(BaseException):
    """Raised when a signal ends a command; unlike KeyboardInterrupt, typer leaves it alone."""


@contextmanager
def cancelling(cancellation: Cancellation) -> Iterator[None]:
    """Let signals set `cancellation` inside the block; one who insists gets through."""

    def handler(number: int, _frame: FrameType | None) -> None:
        if cancellation.cancelled and number == signal.SIGINT:
            raise Interrupted
        cancellation.cancel()

    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def as_interrupts() -> None:
    """Let signals end whatever capsule does outside of a run, by raising `Interrupted`."""
    for name in _NAMES:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted
