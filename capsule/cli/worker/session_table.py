"""The sessions of one program, which nobody else can name, and how many a worker has open."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from capsule.cli.worker.work_queue import WorkQueue
from capsule.errors import CapsuleError, UsageError
from capsule.message_text import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.cli.worker.offered_functions import OfferedFunction
    from capsule.sessions.opening import Wanted
    from capsule.sessions.session_core import SessionCore

# How many one worker has open, where nobody says.
MOST = 32


class SessionQuota:
    """How many sessions may be open at once, for all programs that a worker answers."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._open, self._lock = most, 0, threading.Lock()

    def __repr__(self) -> str:
        return f"<SessionQuota {self._open} of {self._most}>"

    def take(self) -> None:
        """Count one more. Raises `UsageError` where there are as many as may be."""
        with self._lock:
            if self._open >= self._most:
                raise UsageError(
                    f"{self._open} sessions are open, which is the most",
                    hint='{"id": 1, "session": "...", "close": true}, or a worker with more '
                    "--max-sessions",
                )
            self._open += 1

    def give_back(self) -> None:
        """Count one less."""
        with self._lock:
            self._open -= 1


class OpenSession:
    """A session of a program: `wanted` and `tools` are what it was opened with.

    What is asked of it goes through `queue`, in order.
    """

    def __init__(self, core: SessionCore, wanted: Wanted, tools: Sequence[OfferedFunction]) -> None:
        # As random as `secrets` has it, which takes longer to import than a worker to start.
        self.name = os.urandom(16).hex()
        self.core, self.wanted, self.tools = core, wanted, tools
        self.queue = WorkQueue(1)

    def __repr__(self) -> str:
        return f"<OpenSession with {self.queue!r}>"


class SessionTable:
    """Knows the sessions of one program by their names."""

    def __init__(self, quota: SessionQuota) -> None:
        self.quota = quota
        self._lock = threading.Lock()
        self._named: dict[str, OpenSession] = {}
        self._open: set[OpenSession] = set()
        self._ended = False

    def __repr__(self) -> str:
        return f"<SessionTable with {len(self._open)} sessions>"

    def add(self, session: OpenSession) -> None:
        """Take a session, whose place in the quota is taken; it is closed where all are."""
        with self._lock:
            self._open.add(session)
            if not self._ended:
                self._named[session.name] = session
                return
        self.close(session)
        raise UsageError("the lines have ended, and with them all sessions")

    def find(self, name: object) -> OpenSession:
        """Return a session of this program. Raises `UsageError` where there is none."""
        with self._lock:
            found = self._named.get(name) if isinstance(name, str) else None
        if found is None:
            raise UsageError(
                f"there is no session {shown(name)} on this connection",
                hint='{"id": 1, "open": {}}',
            )
        return found

    def forget(self, session: OpenSession) -> None:
        """Have nothing more asked of a session, which is about to be closed."""
        with self._lock:
            self._named.pop(session.name, None)

    def close(self, session: OpenSession) -> None:
        """Let go of a session, once; what goes on in it is waited for."""
        with self._lock:
            if session not in self._open:
                return
            self._open.remove(session)
            self._named.pop(session.name, None)
        try:
            session.core.close()
        finally:
            self.quota.give_back()

    def close_all(self) -> None:
        """Let go of all sessions, also of those that are added later."""
        with self._lock:
            self._ended = True
            sessions = tuple(self._open)
        for session in sessions:
            # One that cannot be closed must not keep the others.
            with suppress(CapsuleError, OSError):
                self.close(session)
