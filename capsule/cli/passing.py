"""What tasks print, passed on while it happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from capsule.cli.stall import pieces_in_time
from capsule.runner.observer import Nobody

if TYPE_CHECKING:
    from capsule.cli.screen import Screen
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Output
    from capsule.runner.observer import Which


class Passing(Nobody):
    """Passes on what tasks print."""

    def __init__(self, screen: Screen, cancellation: Cancellation) -> None:
        self._screen, self._cancellation = screen, cancellation

    def started(self, which: Which, policy: Policy) -> Output:  # noqa: ARG002 - the protocol's
        """Return what shows the output of an attempt."""
        return _Shown(self._screen, deadline_of(policy), self._cancellation)

    def __enter__(self) -> Passing:
        return self

    def __exit__(self, *exc: object) -> None:
        """End nothing."""


class _Shown:
    """Shows what one attempt prints, as it comes."""

    def __init__(self, screen: Screen, deadline: float | None, cancellation: Cancellation) -> None:
        self._screen, self._deadline, self._cancellation = screen, deadline, cancellation

    def stdout(self, data: bytes) -> None:
        """Show what the task printed."""
        for piece in pieces_in_time(data, self._screen.stderr, self._deadline, self._cancellation):
            self._screen.task_output(piece)

    def stderr(self, data: bytes) -> None:
        """Show what the task printed to stderr."""
        self.stdout(data)


def deadline_of(policy: Policy) -> float | None:
    """Return when an attempt that begins now has to end, in the seconds of `time.monotonic`."""
    return None if policy.timeout_ms is None else time.monotonic() + policy.timeout_ms / 1000
