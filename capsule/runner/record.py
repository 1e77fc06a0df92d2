"""What a run tells a ledger of its attempts: the one place that gives them their names."""

from __future__ import annotations

import itertools
import time
from threading import Lock
from typing import TYPE_CHECKING

from capsule.errors import CapsuleError
from capsule.lifecycle import ids
from capsule.lifecycle.events import Created, Ended, Running, state_of

if TYPE_CHECKING:
    from typing import Any

    from capsule.confine.walls import Walls
    from capsule.envelope import Envelope, ErrorType
    from capsule.errors import Code
    from capsule.lifecycle.events import How, Ledger
    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Attempt

# What tasks of one run may put into the record, or a hostile one would push all others out of it:
# bytes of output, errors and requests, of the task that was asked for and of those below it, and
# calls of no task.
_MOST_BYTES, _MOST_BYTES_BELOW, _MOST_REFUSED = 4 << 20, 16 << 20, 100


class Register:
    """The attempts of one run, with all that it calls; any thread may use it.

    `file` is the task's file as the user named it. Without a ledger, nothing is kept.
    """

    def __init__(self, ledger: Ledger | None, file: str | None, walls: Walls) -> None:
        self.ledger = ledger
        self._file, self._walls = file, walls
        self._run = "" if ledger is None else ids.new_run()
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._room = [_MOST_BYTES, _MOST_BYTES_BELOW]
        self._refused = 0

    def __repr__(self) -> str:
        return f"<Register of run {self._run or 'without a ledger'}>"

    def new(
        self,
        task: str,
        limits: tuple[int, int | None, int | None],
        place: tuple[int, str | None],
        before: Created | None = None,
    ) -> Created:
        """Return what begins the life of an attempt.

        `limits` are compute, ram and timeout, `place` its depth and its parent; `before` is the
        attempt that it repeats.
        """
        depth, parent = place
        compute, ram, timeout_ms = limits
        return Created(
            ids.of_attempt(self._run, next(self._numbers)),
            self._run,
            parent,
            None if before is None else before.id,
            depth,
            0 if before is None else before.number + 1,
            task,
            self._file,
            time.time_ns(),
            compute,
            ram,
            timeout_ms,
            self._walls.landlock,
            self._walls.seccomp,
        )

    def may_refuse(self) -> bool:
        """Count a call that is refused, and say whether it is to be kept."""
        with self._lock:
            self._refused += 1
            return self._refused <= _MOST_REFUSED

    def fits(self, depth: int, size: int) -> bool:
        """Count so many bytes of details, and say whether they are to be kept."""
        with self._lock:
            self._room[depth > 0] -= size
            return self._room[depth > 0] >= 0


class Track:
    """What is recorded of one task in a run, attempt after attempt, by the thread that runs it.

    `with` it: whatever ends the block, no attempt is left open.
    """

    def __init__(self, register: Register, policy: Policy, depth: int, parent: str | None) -> None:
        self._register, self._ledger = register, register.ledger
        self._policy, self._place = policy, (depth, parent)
        self._now: Created | None = None
        self._begin = 0
        self._open = self._plain = self._cold = False
        self._requests = 0
        self.again()

    def __repr__(self) -> str:
        return f"<Track of {self._policy.task!r}: {self._now!r}>"

    @property
    def id(self) -> str | None:
        """The attempt that goes on, or was the last; None without a ledger."""
        return None if self._now is None else self._now.id

    def again(self) -> None:
        """An attempt, or one more, is about to be made."""
        if self._ledger is not None:
            self._begin = time.monotonic_ns()
            policy = self._policy
            limits = policy.compute, policy.ram, policy.timeout_ms
            self._now = self._register.new(policy.task, limits, self._place, self._now)
            self._open, self._cold = True, False
            self._ledger.created(self._now)

    def plain(self) -> None:
        """Each attempt imports the task: it has no snapshot of its own."""
        self._plain = True

    def cold(self) -> None:
        """The sandbox of this attempt is started for it."""
        self._cold = True

    def started(self, granted: Policy) -> None:
        """The attempt begins, under these limits."""
        if self._ledger is not None and self._now is not None:
            event = Running(time.time_ns(), granted.compute, granted.timeout_ms)
            self._ledger.running(self._now.id, event)

    def ended(self, done: Attempt, requests: list[dict[str, Any]]) -> None:
        """The attempt is over; `requests` are those of all attempts."""
        if self._ledger is None:
            return
        verdict = done.verdict
        how: How = "plain" if self._plain else "cold" if self._cold else "warm"
        event = Ended(
            state_of(verdict.error_type),
            time.time_ns(),
            time.monotonic_ns() - self._begin,
            how,
            done.fuel,
            done.memory,
            done.duration_ms,
            verdict.error_type,
            verdict.message or None,
            verdict.traceback,
            done.left_out,
            requests[self._requests :],
            done.stdout,
            done.stderr,
        )
        self._requests = len(requests)
        size = event.weight()
        if size and not self._register.fits(self._place[0], size):
            event = event.without_details()
        self._end(event)

    def settled(self, envelope: Envelope) -> Envelope:
        """Return an envelope; where no attempt gave it, it says how the last one ended."""
        error = envelope["error"]
        if error is not None:
            self._give_up(error["error_type"], error["message"])
        return envelope

    def refused(self, task: str, message: str) -> None:
        """A task was called that may not run, or is none."""
        if self._ledger is not None and self._register.may_refuse():
            place = self._place[0] + 1, self.id
            made = self._register.new(task, (0, None, None), place)
            self._ledger.created(made)
            event = Ended("failed", made.created_ns, 0, error_type="policy_error", message=message)
            self._ledger.ended(made.id, event)

    def __enter__(self) -> Track:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CapsuleError):
            self._give_up(error.code, error.message)
        elif isinstance(error, Exception):
            self._give_up("capsule_error", f"the host failed: {type(error).__name__}")
        elif error is not None:
            self._give_up("cancelled", "the program that ran it was interrupted")

    def _give_up(self, error_type: ErrorType | Code, message: str) -> None:
        if self._open:
            elapsed = time.monotonic_ns() - self._begin
            state = state_of(error_type)
            self._end(Ended(state, time.time_ns(), elapsed, error_type=error_type, message=message))

    def _end(self, event: Ended) -> None:
        if self._ledger is not None and self._now is not None:
            self._open = False
            self._ledger.ended(self._now.id, event)
