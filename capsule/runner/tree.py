"""A run and the tasks that it calls: what all of them share, and what bounds them together."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from capsule.runner.switchboard import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.policy.resolve import Policy
    from capsule.process.argv import Mount

MAX_DEPTH = 8
MAX_TASKS = 1_000


class Job(NamedTuple):
    """A task that can be called: its policy, where its function is, and what it was given.

    All of it was settled on the host before any argument arrived.
    """

    policy: Policy
    module: str
    function: str
    folders: tuple[Mount, ...]
    env: Mapping[str, str]


class Tree:
    """The bounds of one run with all its sub-tasks.

    How many run at once is bounded for each depth on its own: a task that waits for one below it
    keeps its place, so a bound over all depths could leave everybody waiting.
    """

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self.jobs = jobs
        self._lock = threading.Lock()
        self._tasks = 0
        at_once = max(2, os.cpu_count() or 1)
        self._places = [threading.BoundedSemaphore(at_once) for _ in range(MAX_DEPTH + 1)]

    def enter(self, name: object, depth: int) -> Job:
        """Return the task to run, and count it. Raises `CallError` when it may not run."""
        job = self.jobs.get(name) if isinstance(name, str) else None
        if job is None:
            known = ", ".join(sorted(self.jobs)[:10])
            raise CallError("refused", f"there is no task {str(name)[:100]!r}; there is {known}")
        if depth > MAX_DEPTH:
            raise CallError("refused", f"tasks call each other more than {MAX_DEPTH} deep")
        with self._lock:
            self._tasks += 1
            if self._tasks > MAX_TASKS:
                raise CallError("refused", f"one run calls at most {MAX_TASKS:,} tasks")
        return job

    def place(self, depth: int) -> threading.BoundedSemaphore:
        """Return what to hold while a task of this depth runs."""
        return self._places[depth]
