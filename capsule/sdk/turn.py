"""Runs that are begun one after another, so that an event loop does not wait behind all of them.

To prepare and start a run is work in Python: sixteen threads at it take no less time than one, and
whoever wants the interpreter's lock too waits for each of them, up to 5 ms for one.
"""

from __future__ import annotations

import os
import time
from threading import Condition

from capsule.runner.run import COLD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.pool.run_queue import QueuedRun
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan

# Seconds; twenty times what it takes where nothing has to be made.
PATIENCE = 0.2


class Turnstile:
    """Lets one through at a time; the next also when that one takes longer than `PATIENCE`.

    It may be fetching packages, or waiting for others, for minutes.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._holder: Turn | None = None
        self._since = 0.0

    def __repr__(self) -> str:
        return f"<Turnstile {'free' if self._holder is None else 'taken'}>"

    def enter(self, turn: Turn) -> None:
        """Wait for the turn."""
        with self._changed:
            while self._holder is not None:
                left = self._since + PATIENCE - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            self._holder, self._since = turn, time.monotonic()

    def leave(self, turn: Turn) -> None:
        """Let the next go on, unless somebody has gone on already."""
        with self._changed:
            if self._holder is turn:
                self._holder = None
                self._changed.notify()


class Turn:
    """One run's turn, until its sandbox has been started, or the `with` block ends.

    A `Starter`, whose sandboxes are started for their runs. `queued` counts how long it waits.
    """

    sees_end = COLD.sees_end

    def __init__(self, queued: QueuedRun) -> None:
        self._queued = queued

    def __repr__(self) -> str:
        return f"<Turn at {_turnstile!r}>"

    def start(self, plan: Plan) -> SandboxProcess:
        """Start a sandbox; the next run is begun then."""
        started = COLD.start(plan)
        _turnstile.leave(self)
        return started

    def __enter__(self) -> Turn:
        with self._queued.waiting():
            _turnstile.enter(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _turnstile.leave(self)


_turnstile = Turnstile()


def _forget() -> None:
    # A child process of this program has none of its threads.
    global _turnstile  # noqa: PLW0603 - one for the program
    _turnstile = Turnstile()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
