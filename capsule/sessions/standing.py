"""Where a session stands: at a state that is in memory alone, until it is on the disk."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress

from capsule.errors import CapsuleError
from capsule.sessions.background_work import done
from capsule.sessions.state_file import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.sessions.kept_turn import KeptState


class Standing:
    """A state that a session goes on from, as it comes: first in memory, then on the disk.

    `ready` is done as soon as the next turn can go on from it, and `written` when it is kept; each
    raises `CapsuleError` where that failed. `before` is where the session stands then.
    """

    def __init__(self, before: Standing | None) -> None:
        self.ready: Future[KeptState] = Future()
        self.written: Future[KeptState] = Future()
        self._before = before
        # What is kept needs no way back, and a session may have any number of turns.
        self.written.add_done_callback(self._forget)

    def __repr__(self) -> str:
        how = "kept" if self.written.done() else "in memory" if self.ready.done() else "coming"
        return f"<Standing {how}>"

    def settled(self) -> KeptState:
        """Return the state that is kept, once it is: this one, or where that failed one before."""
        with suppress(CapsuleError):
            return self.written.result()
        # Who asked for that state was told.
        if self._before is None:
            return self.written.result()
        return self._before.settled()

    def soonest(self) -> KeptState:
        """Return the state to go on from, as soon as there is one."""
        if not self.written.done():
            with suppress(CapsuleError):
                return self.ready.result()
        return self.settled()

    def check(self, name: str) -> None:
        """Raise `StateError` where a turn went on from the state `name`, and that was not kept."""
        failed = self.written.exception()
        if failed is None or self.ready.exception() or self.ready.result().name != name:
            return
        raise StateError(f"the state of the turn before could not be kept: {failed}")

    def fail(self, error: CapsuleError) -> None:
        """Say that it could not be kept."""
        if not self.ready.done():
            self.ready.set_exception(error)
        self.written.set_exception(error)

    def _forget(self, written: Future[KeptState]) -> None:
        if written.exception() is None:
            self._before = None


def standing_at(state: KeptState) -> Standing:
    """Return what stands at a state that is kept.

    >>> from capsule.sessions.kept_turn import KeptState
    >>> standing_at(KeptState("a" * 32, 1)).settled().turn
    1
    """
    found = Standing(None)
    found.ready, found.written = done(state), done(state)
    return found


def said_of(failed: BaseException) -> CapsuleError:
    """Return what is raised for a state that could not be kept."""
    if isinstance(failed, CapsuleError):
        return failed
    return StateError(f"the state could not be kept: {type(failed).__name__}: {failed}")
