"""The life of a run as lines: each attempt when it begins, and when it ends."""

from __future__ import annotations

import threading

from capsule.cli.render.terminal_text import clip, one_line
from capsule.cli.terminal.task_output import TaskOutput, deadline_of, say_in_time
from capsule.policy.units import format_compute, format_ram, format_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Attempt, Output
    from capsule.runner.observer import Which

# In columns: what a pipe takes at once, and no message is that long.
_LONGEST = 1_000


class VerboseLines(TaskOutput):
    """Passes on what tasks print, and says what becomes of each attempt.

    A line is indented by how deep its task was called, and says under which number the record has
    the attempt, and which one called it.
    """

    def __init__(self, console: Console, cancellation: Cancellation) -> None:
        super().__init__(console, cancellation)
        # Those of attempts that go on, by their numbers.
        self._deadlines: dict[int, float | None] = {}
        self._lock = threading.Lock()
        self._plain: set[str] = set()

    def unfrozen(self, which: Which, policy: Policy, reason: str) -> None:
        """Say why every run of the task imports it again; once is enough."""
        with self._lock:
            known = policy.task in self._plain
            self._plain.add(policy.task)
        if not known:
            self._say(which, unfrozen(policy, reason))

    def started(self, which: Which, policy: Policy) -> Output:
        """Say that an attempt begins, and under which limits."""
        ram = "no limit" if policy.ram is None else format_ram(policy.ram)
        timeout = "none" if policy.timeout_ms is None else format_timeout(policy.timeout_ms)
        self._deadlines[which.serial] = deadline_of(policy)
        self._say(
            which,
            f"{_named(which, policy)} started "
            f"(compute {format_compute(policy.compute)}, ram {ram}, timeout {timeout})",
        )
        return super().started(which, policy)

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
        """Say how an attempt ended, and what it used."""
        how = "completed" if done.outcome.error_type is None else done.outcome.error_type
        fuel = "unknown" if done.fuel is None else f"{done.fuel:,} of {policy.compute:,}"
        memory = "unknown" if done.memory is None else format_ram(done.memory)
        self._say(
            which,
            f"{_named(which, policy)} {how} in {done.duration_ms} ms "
            f"(fuel {fuel}, memory {memory})",
        )
        self._deadlines.pop(which.serial, None)

    def given_up(self, which: Which, task: str, error_type: str, message: str) -> None:
        """Say that nothing came of an attempt; for the task that was asked for, the answer does."""
        if which.depth > 0:
            self._say(which, f"task {task!r}{_place(which)} {error_type}: {message}")

    def _say(self, which: Which, text: str) -> None:
        deadline = self._deadlines.get(which.serial)
        said = f"capsule: {'  ' * which.depth}{clip(one_line(text), _LONGEST)}"
        say_in_time(self._console, said, deadline, self._cancellation)


def unfrozen(policy: Policy, reason: str) -> str:
    """Return why each attempt of a task imports it."""
    return f"task {policy.task!r} runs without a snapshot of its own: its import {reason}"


def _named(which: Which, policy: Policy) -> str:
    again = f", retry {which.number} of {policy.max_retries}," if which.number else ""
    return f"task {policy.task!r}{_place(which)}{again}"


def _place(which: Which) -> str:
    return "" if which.parent is None else f" (.{which.serial}, called by .{which.parent})"
