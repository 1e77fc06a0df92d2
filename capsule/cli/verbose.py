"""What is seen of a run while it happens: the task's output, and with --verbose its life."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from capsule.cli.stall import pieces_in_time
from capsule.policy.units import format_compute, format_ram, format_timeout

if TYPE_CHECKING:
    from capsule.cli.screen import Screen
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Attempt


class Verbose:
    """Passes on what a task prints; says what becomes of it when `on`."""

    def __init__(self, screen: Screen, cancellation: Cancellation, *, on: bool) -> None:
        self._screen = screen
        self._cancellation = cancellation
        self._on = on
        self._deadline: float | None = None

    def stdout(self, data: bytes) -> None:
        """Show what the task printed."""
        for piece in pieces_in_time(data, self._screen.stderr, self._deadline, self._cancellation):
            self._screen.task_output(piece)

    def stderr(self, data: bytes) -> None:
        """Show what the task printed to stderr."""
        self.stdout(data)

    def unfrozen(self, policy: Policy, reason: str) -> None:
        """Say why every run of the task imports it again."""
        if self._on:
            self._screen.err(
                f"capsule: task {policy.task!r} runs without a snapshot of its own: "
                f"its import {reason}"
            )

    def started(self, policy: Policy, number: int) -> None:
        """Say that an attempt begins, and under which limits."""
        timeout_ms = policy.timeout_ms
        self._deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        if self._on:
            ram = "no limit" if policy.ram is None else format_ram(policy.ram)
            timeout = "none" if policy.timeout_ms is None else format_timeout(policy.timeout_ms)
            self._screen.err(
                f"capsule: {_which(policy, number)} started "
                f"(compute {format_compute(policy.compute)}, ram {ram}, timeout {timeout})"
            )

    def ended(self, policy: Policy, number: int, done: Attempt) -> None:
        """Say how an attempt ended, and what it used."""
        if self._on:
            how = "completed" if done.verdict.error_type is None else done.verdict.error_type
            fuel = "unknown" if done.fuel is None else f"{done.fuel:,} of {policy.compute:,}"
            memory = "unknown" if done.memory is None else format_ram(done.memory)
            self._screen.err(
                f"capsule: {_which(policy, number)} {how} in {done.duration_ms} ms "
                f"(fuel {fuel}, memory {memory})"
            )


def _which(policy: Policy, number: int) -> str:
    return f"task {policy.task!r}" + (
        f", retry {number} of {policy.max_retries}," if number else ""
    )
