"""Starting the process of a command before it is known that it will be used.

While a process starts, the program reads what it is to run. The process is given nothing until
then: its code waits for a request, and is ended when the run turns out to need another one.
"""

from __future__ import annotations

from capsule.errors import CapsuleError
from capsule.pool import remembered_launch
from capsule.process import sandbox_process
from capsule.process.mounts import places_of
from capsule.process.sandbox_process import Terms, Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from capsule.pool.remembered_launch import RememberedLaunch
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan


class EarlyStart:
    """Starts what was remembered under `key`, and gives it to the first plan that is the same.

    A `Starter` for one run of a task that comes from `source`. `with` it: the process of no use is
    ended, and the last plan is remembered.
    """

    sees_end = True

    def __init__(self, home: Path, key: str, source: Path) -> None:
        self._home, self._key, self._source = home, key, source
        self._mine: tuple[RememberedLaunch, Waiting] | None = None
        self._unknown: Plan | None = None

    def __repr__(self) -> str:
        return f"<EarlyStart of {self._source} {self._mine!r}>"

    def __enter__(self) -> EarlyStart:
        found = remembered_launch.recall(self._home, self._key)
        if found is None or not found.is_unchanged():
            return self
        there = places_of(found.launch.mounts)
        try:
            process = sandbox_process.start(found.launch, found.layers, timeout_ms=found.timeout_ms)
        except (CapsuleError, OSError):
            # Whatever it was is said where all is settled.
            return self
        terms = Terms(found.launch, found.layers, found.timeout_ms)
        self._mine = found, Waiting(process, terms, there)
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()
        if self._unknown is not None:
            self._keep(self._unknown)

    def start(self, plan: Plan) -> SandboxProcess:
        """Give the process that was started, or start one for `plan`."""
        plan.cold()
        if self._mine is not None:
            found, waiting = self._mine
            needed = Terms(plan.launch, plan.layers, plan.limits.timeout_ms)
            if found.is_unchanged() and waiting.take(needed):
                self._mine = None
                return waiting.sandbox
            self._end()
        started = sandbox_process.start(plan.launch, plan.layers, timeout_ms=plan.limits.timeout_ms)
        # Copies for a task to read are made when it is known that it runs.
        self._unknown = None if plan.warming is None else plan
        return started

    def _end(self) -> None:
        if self._mine is not None:
            self._mine[1].sandbox.close()
            self._mine = None

    def _keep(self, plan: Plan) -> None:
        try:
            found = remembered_launch.remembered(
                plan.launch, plan.layers, plan.limits.timeout_ms, [self._source]
            )
        except OSError:
            return
        remembered_launch.remember(self._home, self._key, found)
