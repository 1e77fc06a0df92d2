"""Who is told what happens to the tasks of a run while it happens."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Attempt, Output
else:
    Protocol = object


class Which(NamedTuple):
    """Which attempt of a run is meant.

    `serial` is its place among all attempts of the run, from 1, as its name in the record ends;
    `parent` is that of the attempt that called the task, None for the task that was asked for.
    `depth` is how many are above it, `number` how many attempts of the task were made before.
    """

    serial: int
    parent: int | None = None
    depth: int = 0
    number: int = 0


class Observer(Protocol):
    """Who is told of each attempt of a run, those of tasks that are called too, by any thread.

    An attempt is called and ends, or is given up; most are started between.
    """

    def called(self, which: Which, policy: Policy) -> None:
        """Take that an attempt will be made as soon as there is a place for it."""

    def unfrozen(self, which: Which, policy: Policy, reason: str) -> None:
        """Take that the task has no snapshot, so each attempt imports it; `reason` says why."""

    def started(self, which: Which, policy: Policy) -> Output:
        """Take that an attempt begins, under what it was granted; return who sees its output."""

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
        """Take how an attempt ended."""

    def given_up(self, which: Which, task: str, error_type: str, message: str) -> None:
        """Take that nothing came of an attempt; one that may not be made was not called either."""


class Nobody:
    """The observer of a run that nobody watches."""

    def called(self, which: Which, policy: Policy) -> None:
        """Ignore the call."""

    def unfrozen(self, which: Which, policy: Policy, reason: str) -> None:
        """Ignore the reason."""

    def started(self, which: Which, policy: Policy) -> Output:  # noqa: ARG002 - the protocol's
        """Ignore the start."""
        return self

    def stdout(self, data: bytes) -> None:
        """Drop `data`."""

    def stderr(self, data: bytes) -> None:
        """Drop `data`."""

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
        """Ignore the end."""

    def given_up(self, which: Which, task: str, error_type: str, message: str) -> None:
        """Ignore the end."""


NOBODY = Nobody()
