"""Sessions of runs that may be interrupted, and go on later, here or in another process.

A run's checkpoints have a key of its session. It is a handle of the state that the run had then, so
that one that goes on from an older checkpoint has the state of that. What is open here, and stands
where the key says, is gone on with as it is.
"""

from __future__ import annotations

import secrets
import weakref
from collections import OrderedDict
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from capsule.errors import CapsuleError
from capsule.process.cancel import Cancellation
from capsule.sessions import opening
from capsule.sessions.session import Session, SessionSync
from capsule.sessions.state_file import StateError
from capsule.sessions.state_handles import StateHandles
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from capsule.sessions.opening import Wanted
    from capsule.sessions.session_core import SessionCore

    AnySession = TypeVar("AnySession", Session, SessionSync)

# Interrupted runs whose sessions stay open; others are opened anew from their handles.
_MOST_OPEN = 8
# A run in which nothing has run yet, and one whose state could not be kept.
_NEW, _LOST = "new-", "lost-"


class RunSession:
    """The session of a run, closed with the last that knows it: a run that fails has no end."""

    def __init__(self, said: Wanted, core: SessionCore, key: str) -> None:
        self.key = key
        self._said, self._core = said, core
        self._saved = core.settled().name
        self._end = weakref.finalize(self, _closed, core.close)

    def __repr__(self) -> str:
        return f"<RunSession {self._core!r}>"

    def of(self, kind: type[AnySession]) -> AnySession:
        """Return it as one that is awaited, or as one that is not."""
        return kind._of(self._said, self._core)  # noqa: SLF001 - it is open already

    @property
    def is_saved(self) -> bool:
        """Whether the key stands for all that has run in it."""
        return self._core.settled().name == self._saved

    def save(self) -> None:
        """Keep its state under a handle, which is its key from now on."""
        left = self._core.settled()
        try:
            handles = StateHandles(checked_root())
            self.key = handles.keep(self._core.contents_of(left), self._core.base)
        except CapsuleError:
            # The run goes on; one that has only the key is told that it cannot.
            self.key = _LOST + secrets.token_hex(16)
        self._saved = left.name

    def close(self) -> None:
        """End it, now."""
        self._end()


class RunSessions:
    """The sessions of the runs of one agent; any thread may use it. Options are a session's."""

    def __init__(self, options: dict[str, Any]) -> None:
        # Looked at now, and not in the first run.
        self._said = SessionSync(**options)._said  # noqa: SLF001 - opened for each run
        self._lock = RLock()
        self._open: OrderedDict[str, RunSession] = OrderedDict()

    def __repr__(self) -> str:
        return f"<RunSessions {len(self._open)} open>"

    def begin(self, *, lasts: bool) -> RunSession:
        """Open the session of a run; `lasts` says that its run may be gone on with.

        Raises `CapsuleError`.
        """
        key = _NEW + secrets.token_hex(16)
        with Cancellation() as stop:
            made = RunSession(self._said, opening.opened(self._said, stop), key)
        if lasts:
            self._add(made)
        return made

    def find(self, key: str) -> RunSession:
        """Return the session of a run that goes on. Raises `StateError` where it is gone."""
        with self._lock:
            found = self._open.get(key)
            if found is None:
                found = self._opened(key)
            self._add(found)
        return found

    def keep(self, run: RunSession) -> str:
        """Have the key of a run stand for all that has run in it, and return it."""
        if not run.is_saved:
            with self._lock:
                self._open.pop(run.key, None)
            run.save()
            self._add(run)
        return run.key

    def end(self, key: str) -> None:
        """Close the session of a run that is over."""
        with self._lock:
            found = self._open.pop(key, None)
        if found is not None:
            found.close()

    def _add(self, run: RunSession) -> None:
        with self._lock:
            self._open[run.key] = run
            self._open.move_to_end(run.key)
            if len(self._open) > _MOST_OPEN:
                # Who runs something in it right now has it besides.
                oldest = next((key for key, each in self._open.items() if each.is_saved), None)
                if oldest not in (None, run.key):
                    del self._open[oldest]

    def _opened(self, key: str) -> RunSession:
        if key.startswith(_LOST):
            raise StateError(
                "the state of this run was too large to be kept, or could not be written",
                hint="begin a new run",
            )
        with Cancellation() as stop:
            if key.startswith(_NEW):
                return RunSession(self._said, opening.opened(self._said, stop), key)
            handles = StateHandles(checked_root())
            core = opening.resumed(handles, key, self._said, stop, adds_files=False)
        return RunSession(self._said, core, key)


def _closed(close: Callable[[], None]) -> None:
    with suppress(CapsuleError):
        close()
