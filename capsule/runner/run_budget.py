"""A run and the tasks that it calls: what all of them share, and what bounds them together."""

from __future__ import annotations

import threading
import time

from capsule.namedtuples import NamedTuple
from capsule.policy.units import MAX_TASKS
from capsule.runner.call_dispatcher import CallError
from capsule.runner.limit_messages import left_of
from capsule.runner.memory_budget import RunMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.policy.ceilings import RunLimits
    from capsule.policy.resolve import Policy
    from capsule.process.argv import Mount
    from capsule.runner.task_places import Place, ProcessorUse, TaskPlaces

MAX_DEPTH = 8


class Job(NamedTuple):
    """A task that can be called: its policy, where its function is, and what it was given.

    All of it was settled on the host before any argument arrived.
    """

    policy: Policy
    module: str
    function: str
    folders: tuple[Mount, ...]
    env: Mapping[str, str]


class RunBudget:
    """The bounds of one run with all its sub-tasks; `fetched_ms` of its time is spent already."""

    def __init__(self, jobs: Mapping[str, Job], limits: RunLimits, fetched_ms: int = 0) -> None:
        self.jobs = jobs
        self.memory = RunMemory()
        self._lock = threading.Lock()
        self._tasks = 0
        self._most = MAX_TASKS if limits.tasks is None else limits.tasks
        self._fuel = limits.compute
        self._deadline = (
            None
            if limits.timeout_ms is None
            else time.monotonic() + (limits.timeout_ms - fetched_ms) / 1000
        )
        # Made when a task is called: most runs call none.
        self.use: ProcessorUse | None = None
        self._places: TaskPlaces | None = None

    def enter(self, name: object, depth: int) -> Job:
        """Return the task to run, and count it. Raises `CallError` when it may not run."""
        job = self.jobs.get(name) if isinstance(name, str) else None
        if job is None:
            known = ", ".join(sorted(self.jobs)[:10])
            # Only a session has none: no file says what its tasks may do.
            there = f"there is {known}" if known else "a session has none, leave @task out"
            raise CallError("refused", f"there is no task {str(name)[:100]!r}; {there}")
        if depth > MAX_DEPTH:
            raise CallError("refused", f"tasks call each other more than {MAX_DEPTH} deep")
        with self._lock:
            self._tasks += 1
            if self._tasks > self._most:
                raise CallError("refused", f"one run calls at most {self._most:,} tasks")
        return job

    def again(self, depth: int) -> bool:
        """Say whether a task of this depth may be tried again; a sub-task's retry counts as one."""
        with self._lock:
            self._tasks += depth > 0
            return depth == 0 or self._tasks <= self._most

    def place(self, depth: int) -> Place:
        """Return what to hold while a task of this depth runs."""
        with self._lock:
            if self._places is None:
                from capsule.runner.task_places import ProcessorUse, TaskPlaces

                self.use = ProcessorUse()
                self._places = TaskPlaces(self.use.waiting)
            return self._places.place(depth)

    def within(self, timeout_ms: int | None) -> int | None:
        """Return a task's timeout, or what is left of the run where that is less."""
        if self._deadline is None:
            return timeout_ms
        left = round((self._deadline - time.monotonic()) * 1000)
        return left if timeout_ms is None else min(timeout_ms, left)

    def grant(self, policy: Policy, fetched_ms: int = 0) -> Policy | None:
        """Return the policy for one attempt, within what is left of the run; None if nothing is.

        So much of the attempt's own time is spent already.
        Its fuel is taken off until `settle` says what was used.
        """
        with self._lock:
            compute = policy.compute
            timeout_ms = self.within(left_of(policy.timeout_ms, fetched_ms))
            most = None
            if self._fuel is not None:
                # One that can call others leaves half of it to them.
                most = self._fuel // 2 if len(self.jobs) > 1 else self._fuel
                compute = min(compute, most)
                self._fuel -= compute
            if compute <= 0 or (timeout_ms is not None and timeout_ms <= 0):
                return None
        origins = policy.origins._replace(
            compute=policy.origins.compute.within(most),
            timeout=policy.origins.timeout.within(self.within(None)),
        )
        return policy._replace(compute=compute, timeout_ms=timeout_ms, origins=origins)

    def settle(self, granted: Policy, used: int | None) -> None:
        """Give back what an attempt did not use; one that could not be asked used all of it."""
        with self._lock:
            if self._fuel is not None and used is not None:
                self._fuel += max(granted.compute - used, 0)
