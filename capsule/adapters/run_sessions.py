"""Sessions of runs that may be interrupted, and go on later, here or in another process.

A run's checkpoints have a key of its session, with the handle of the state that the run had then.
A session that is open here, and stands where the key says, is gone on with as it is, by one: all
others that have the key, as branches of a run do, open one of their own from the handle.
"""

from __future__ import annotations

import secrets
import weakref
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from capsule.adapters.run_key import LOST, NEW, RunKey, parsed
from capsule.errors import CapsuleError
from capsule.sessions import opening
from capsule.sessions.session import Session, SessionSync
from capsule.sessions.state_file import StateError
from capsule.sessions.state_handles import StateHandles
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from capsule.process.cancel import Cancellation
    from capsule.sessions.opening import Wanted
    from capsule.sessions.session_core import SessionCore

    AnySession = TypeVar("AnySession", Session, SessionSync)

# Interrupted runs whose sessions stay open; others are opened anew from their handles.
_MOST_OPEN = 8


class RunSession:
    """The session of a run, closed with the last that knows it: a run that fails has no end."""

    def __init__(self, said: Wanted, core: SessionCore, key: RunKey) -> None:
        # Where it stands, the name of the run that has it, and how many calls it runs right now.
        self.key, self.owner, self.calls = key, "", 0
        # What others have opened from the same key are others.
        self._name, self._base, self._count = secrets.token_hex(8), key.place, 0
        self._said, self._core = said, core
        self._saved: str | None = core.settled().name
        self._saving = Lock()
        self._end = weakref.finalize(self, _closed, core.close)

    def __repr__(self) -> str:
        return f"<RunSession {self._core!r}>"

    def of(self, kind: type[AnySession]) -> AnySession:
        """Return it as one that is awaited, or as one that is not."""
        return kind._of(self._said, self._core)  # noqa: SLF001 - it is open already

    def save(self) -> RunKey:
        """Keep its state under a handle, and return the key that stands for it."""
        with self._saving:
            # Where it cannot be kept the run goes on, and one that has only the key is told.
            state, saved = LOST, None
            with suppress(CapsuleError):
                left = self._core.settled()
                if left.name == self._saved:
                    return self.key
                handles = StateHandles(checked_root())
                state = handles.keep(self._core.contents_of(left), self._core.base)
                saved = left.name
            self._saved, self._count = saved, self._count + 1
            self.key = RunKey(self._name, self._count, self._base, state)
            return self.key

    def close(self) -> None:
        """End it, now."""
        self._end()


class Run(str):
    """One call of an agent, from its begin or from a checkpoint on: a name, and what it has open.

    It is text, as whoever looks at the state of an agent may write that as JSON.
    """

    __slots__ = ("opening", "session")
    opening: Lock
    session: RunSession | None

    def __new__(cls) -> Run:
        """Give it a name that no other has."""
        made = super().__new__(cls, f"run-{secrets.token_hex(8)}")
        made.opening, made.session = Lock(), None
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Have copies be its name alone: what is open stays where it is."""
        return str, (str(self),)


class RunSessions:
    """The sessions of the runs of one agent; any thread may use it. Options are a session's."""

    def __init__(self, options: dict[str, Any]) -> None:
        # Looked at now, and not in the first run.
        self._said = SessionSync(**options)._said  # noqa: SLF001 - opened for each run
        self._lock = Lock()
        # Those that stand where their keys say, and run nothing.
        self._open: OrderedDict[str, RunSession] = OrderedDict()

    def __repr__(self) -> str:
        return f"<RunSessions {len(self._open)} open>"

    def begin(self, run: Run, stop: Cancellation, *, lasts: bool) -> RunKey:
        """Open the session of a run; `lasts` says that it has checkpoints.

        Raises `CapsuleError`.
        """
        key = RunKey(secrets.token_hex(8), 0, "", NEW)
        made = RunSession(self._said, opening.opened(self._said, stop), key)
        if stop.cancelled:
            made.close()
        else:
            made.owner, run.session = str(run), made
            if lasts:
                self._rest(made)
        return key

    def take(self, run: Run, key: str, stop: Cancellation) -> RunSession:
        """Return the session of a run for a call, which gives it back.

        The calls of a step have the same one. Raises `StateError` where it is gone.
        """
        # The others of the step wait for the first, which opens it.
        with run.opening:
            if (found := self._found(run, key)) is not None:
                return found
            made = self._opened(parsed(key), stop)
            made.calls = 1
            if stop.cancelled:
                made.close()
            else:
                made.owner, run.session = str(run), made
            return made

    def give_back(self, run: Run, session: RunSession, *, lasts: bool, saved: bool) -> None:
        """End a call. Where its run lasts, and it is not saved, nobody has its answer."""
        with self._lock:
            session.calls -= 1
            mine = session.owner == run
            if mine and lasts and not saved:
                # What it has done, no checkpoint has: the next call begins with what they have.
                session.owner, run.session = "", None
        if mine and lasts and saved:
            self._rest(session)

    def key_of(self, run: Run) -> RunKey | None:
        """Return where the session of a run stands, None where it has none."""
        session = run.session
        return session.key if session is not None and session.owner == run else None

    def end(self, run: Run, key: str) -> None:
        """Close the session of a run that is over."""
        with self._lock:
            found = [self._open.pop(key, None)]
            if (mine := run.session) is not None and mine.owner == run:
                self._leave(mine)
                found.append(mine)
            over = [each for each in found if each is not None]
            for each in over:
                each.owner = ""
        for each in over:
            each.close()

    def _found(self, run: Run, key: str) -> RunSession | None:
        """Return a session that is open, and that nobody else gets from now on."""
        with self._lock:
            found = run.session
            if found is None or found.owner != run:
                run.session = found = self._open.get(key)
            if found is not None:
                self._leave(found)
                found.owner = str(run)
                found.calls += 1
            return found

    def _leave(self, session: RunSession) -> None:
        if self._open.get(key := str(session.key)) is session:
            del self._open[key]

    def _rest(self, session: RunSession) -> None:
        """Let whoever has the key go on with a session, if it runs nothing."""
        # They are closed where nobody else has them, which is not to happen with the lock.
        gone: list[RunSession | None] = []
        with self._lock:
            if session.calls or not session.owner:
                return
            key = str(session.key)
            gone.append(self._open.pop(key, None))
            self._open[key] = session
            if len(self._open) > _MOST_OPEN:
                gone.append(self._open.popitem(last=False)[1])

    def _opened(self, key: RunKey, stop: Cancellation) -> RunSession:
        if key.state == LOST:
            raise StateError(
                "the state of this run was too large to be kept, or could not be written",
                hint="begin a new run",
            )
        if key.state == NEW:
            core = opening.opened(self._said, stop)
        else:
            handles = StateHandles(checked_root())
            core = opening.resumed(handles, key.state, self._said, stop, adds_files=False)
        # Until something has run in it, it stands where the key says.
        return RunSession(self._said, core, key)


def _closed(close: Callable[[], None]) -> None:
    with suppress(CapsuleError):
        close()
