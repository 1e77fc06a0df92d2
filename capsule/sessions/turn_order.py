"""Whose turn it is: what is asked of a session goes on in order, from threads of one program."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capsule.sessions.state_file import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.process.cancel import Cancellation

# In which sessions this thread is in the middle of a turn.
_inside = threading.local()
_LOOK_AGAIN = 0.05


class TurnOrder:
    """The order of one session, in the program that opened it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._program = os.getpid()

    def __repr__(self) -> str:
        return f"<TurnOrder {'taken' if self._lock.locked() else 'free'}>"

    @property
    def is_mine(self) -> bool:
        """Whether this is the program that opened the session, and no child that it forked."""
        return self._program == os.getpid()

    def acquire(self, stop: Cancellation | None) -> None:
        """Wait for all that was asked for before, and `release` it then.

        Raises `StateError` where that cannot come, or was cancelled.
        """
        self.check_mine()
        self.check_outside()
        while not self._lock.acquire(timeout=_LOOK_AGAIN):
            if stop is not None and stop.cancelled:
                raise StateError("it was cancelled before its turn")

    def release(self) -> None:
        """Let the next one begin."""
        self._lock.release()

    @contextmanager
    def within(self) -> Iterator[None]:
        """Let this thread be in the middle of a turn, or of what else goes in order."""
        before = getattr(_inside, "orders", ())
        _inside.orders = (*before, self)
        try:
            yield
        finally:
            _inside.orders = before

    def check_outside(self) -> None:
        """Raise `StateError` in the middle of a turn of this session, as in a function it calls."""
        if self in getattr(_inside, "orders", ()):
            raise StateError(
                "a turn of this session is going on, which this would wait for",
                hint="do it when the turn has answered",
            )

    def check_mine(self) -> None:
        """Raise `StateError` in a child that was forked: process and states are the parent's."""
        if not self.is_mine:
            raise StateError(
                "this session was opened before the program forked",
                hint="open one in the child, from a file that the parent saved",
            )
