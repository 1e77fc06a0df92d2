"""The tasks that a worker has run lately, each with processes that wait for its next run.

A task is known by what was read of it: one whose source, policy or project has changed is another.
"""

from __future__ import annotations

import threading
import time

from capsule.errors import OutOfTimeError
from capsule.namedtuples import NamedTuple
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.runner.fetch_timeout import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.lifecycle.events import Ledger
    from capsule.policy.declaration_types import Declarations
    from capsule.policy.project import Project
    from capsule.pool.prepared_task import PreparedTask
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.host_functions import HostFunctions
    from capsule.runner.observer import Observer
    from capsule.runner.prepare import Call
    from capsule.runner.source import Source

# How many are kept, the last used ones.
MOST = 32
# One that was run once may never be run again; from then on, so many processes wait.
WARMTH = Warmth(2, after=1)


class _Key(NamedTuple):
    """All that a prepared task is made of; two of them are compared, the cheap part first.

    `digest` stands for the sources, and for all of an artifact; `dependencies` may come from the
    caller too.
    """

    digest: str
    dependencies: tuple[str, ...]
    script: str
    declarations: Declarations
    project: Project
    call: Call


class _Making(NamedTuple):
    """What a prepared task is made with, when there is none yet, and since when it is asked for."""

    source: Source
    call: Call
    home: Path
    progress: Progress
    ledger: Ledger | None
    since: float


class PreparedTaskCache:
    """Runs tasks that are kept prepared; `with` it, or call `close`.

    `home` is where capsule keeps its state; `ledger` keeps a record of all runs.
    """

    def __init__(
        self,
        home: Path,
        *,
        most: int = MOST,
        warmth: Warmth = WARMTH,
        ledger: Ledger | None = None,
    ) -> None:
        self._home, self._most, self._warmth, self._ledger = home, most, warmth, ledger
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []

    def __repr__(self) -> str:
        return f"<PreparedTaskCache {len(self._kept)} of {self._most}>"

    def run(  # noqa: PLR0913 - what one run brings along
        self,
        source: Source,
        call: Call,
        observer: Observer,
        cancellation: Cancellation,
        progress: Progress,
        *,
        functions: HostFunctions | None = None,
    ) -> Envelope:
        """Run a task once and return its envelope, whatever happens inside.

        `functions` are those of the host that the task may call, in this run alone.

        Raises `CapsuleError` when the host cannot run it at all; then nothing has run.
        """
        kept = self._find(source, call)
        making = _Making(source, call, self._home, progress, self._ledger, time.monotonic())
        try:
            prepared, fetched_ms = kept.prepared(making, cancellation)
            return prepared.run(
                call, observer, cancellation, progress, fetched_ms=fetched_ms, functions=functions
            )
        except OutOfTimeError as error:
            return late(error, observer, self._ledger)
        finally:
            self._leave(kept)

    def close(self) -> None:
        """End all processes that wait, and wait until they are gone."""
        with self._lock:
            kept, self._kept = self._kept, []
        for one in kept:
            one.close()

    def __enter__(self) -> PreparedTaskCache:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _find(self, source: Source, call: Call) -> _Kept:
        key = _Key(
            source.bundle.digest if source.artifact is None else source.artifact.digest,
            source.bundle.dependencies,
            source.script,
            source.declarations,
            source.project,
            # What is different in each run; of secrets, their names are a part of the policy.
            call._replace(
                args=(),
                kwargs=None,
                environ={},
                stdin=None,
                secrets=tuple(rule.named_alone() for rule in call.secrets),
            ),
        )
        with self._lock:
            found = next((kept for kept in self._kept if kept.key == key), None)
            if found is None:
                found = _Kept(key, self._warmth)
            else:
                self._kept.remove(found)
            self._kept.append(found)
            found.users += 1
            return found

    def _leave(self, kept: _Kept) -> None:
        """Let go of one, and close those that are too many and that nobody uses."""
        with self._lock:
            kept.users -= 1
            over = max(len(self._kept) - self._most, 0)
            old = [one for one in self._kept if not one.users][:over]
            self._kept = [one for one in self._kept if one not in old]
        for one in old:
            one.close()


class _Kept:
    """One prepared task, made when it is first used; `users` are those who run it now.

    Nothing of a call is kept but what is in the key: arguments and variables of one program are
    not for the next.
    """

    def __init__(self, key: _Key, warmth: Warmth) -> None:
        self.key, self.users = key, 0
        self._warmth = warmth
        self._lock = threading.Lock()
        self._prepared: PreparedTask | None = None

    def prepared(self, making: _Making, cancellation: Cancellation) -> tuple[PreparedTask, int]:
        """Return the task, and how long its packages took where it was made for this call."""
        with self._lock:
            if self._prepared is not None:
                return self._prepared, 0
            prepared = open_prepared_task(
                making.source,
                making.call,
                making.home,
                making.progress,
                warmth=self._warmth,
                cancellation=cancellation,
                ledger=making.ledger,
                since=making.since,
            )
            # One whose making was cancelled has no snapshot: the next to come makes another.
            if cancellation.cancelled:
                prepared.close()
            else:
                self._prepared = prepared
            return prepared, prepared.fetched_ms

    def close(self) -> None:
        with self._lock:
            if self._prepared is not None:
                self._prepared.close()
