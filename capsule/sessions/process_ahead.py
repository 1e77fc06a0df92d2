"""The process of the next turn, which is started before that is asked for."""

from __future__ import annotations

import _thread
import threading
from concurrent.futures import Future
from contextlib import suppress

from capsule.pool.prestarted_process import terms_of
from capsule.process.cancel import Cancellation
from capsule.process.mounts import places_of
from capsule.process.sandbox_process import Waiting
from capsule.sessions import turn_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.runner.attempt import Plan
    from capsule.sessions.kept_turn import KeptState
    from capsule.sessions.state_file import Contents
    from capsule.sessions.turn_process import TurnProcess


# Seconds without a turn until no process waits any more.
IDLE_SECONDS = 60.0


class ProcessAhead:
    """A process that is started, in a thread, before its turn is asked for.

    It is ended when nobody has taken it for `idle` seconds: the turn starts its own then.
    """

    def __init__(
        self,
        plan: Plan,
        coming: Future[KeptState],
        contents_of: Callable[[KeptState], Contents],
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._plan, self._coming = plan, coming
        self._stop = Cancellation()
        self._places = places_of(plan.launch.mounts)
        self._found: Future[TurnProcess] = Future()
        # Whoever sets the one has the process: the turn, or who lets go of it.
        self._lock, self._owned = threading.Lock(), False
        self._over = threading.Event()
        self._begun = threading.Event()

        def state() -> Contents:
            self._begun.set()
            return contents_of(coming.result())

        def begin() -> None:
            try:
                found = turn_process.start(plan, state, self._stop)
                self._found.set_result(found)
            except BaseException as failed:  # noqa: BLE001 - the turn starts its own then
                self._begun.set()
                self._found.set_exception(failed)
                self.close()
                return
            if not self._over.wait(idle):
                self.close()

        # A program that forgets to close its session may end all the same.
        # Not by `threading`: see `capsule.sessions.background_work`.
        _thread.start_new_thread(begin, ())

    def wait_until_begun(self) -> None:
        """Wait until the process is there, and starts: it takes as long as it needs by itself."""
        self._begun.wait()

    def taken(self, plan: Plan, state: str) -> TurnProcess | None:
        """Return the process if it is for this plan and this state, and waits; else end it."""
        try:
            found = self._found.result()
        except Exception:  # noqa: BLE001 - the turn starts its own, and is told what is wrong
            return None
        if not self._own():
            return None
        self._stop.close()
        waiting = Waiting(found.sandbox, terms_of(self._plan), self._places)
        if self._coming.result().name == state and waiting.take(terms_of(plan)):
            return found
        found.sandbox.close()
        return None

    def close(self) -> None:
        """End the process, unless somebody has it."""
        if not self._own():
            return
        self._stop.cancel()
        try:
            with suppress(Exception):
                self._found.result().sandbox.close()
        finally:
            self._stop.close()

    def _own(self) -> bool:
        with self._lock:
            mine, self._owned = not self._owned, True
        self._over.set()
        return mine
