"""What a run tells of its attempts: the one place that gives them their names."""

from __future__ import annotations

import itertools
import time
from threading import Lock

from capsule import direct_json
from capsule.envelope import refusal
from capsule.errors import CapsuleError
from capsule.lifecycle import ids
from capsule.lifecycle.events import Created, Ended, Running, state_of
from capsule.runner.observer import Which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.envelope import Envelope, ErrorType
    from capsule.errors import Code
    from capsule.lifecycle.events import How, Ledger
    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Attempt, Output
    from capsule.runner.observer import Observer

# What tasks of one run may put into the record, or a hostile one would push all others out of it:
# bytes of output, errors and requests, of the task that was asked for and of those below it, and
# calls of no task.
_MOST_BYTES, _MOST_BYTES_BELOW, _MOST_REFUSED = 4 << 20, 16 << 20, 100


class RunEvents:
    """The attempts of one run, with all that it calls; any thread may use it.

    `file` is the task's file as the user named it. Without a ledger, nothing is kept.
    """

    def __init__(self, ledger: Ledger | None, file: str | None, layers: IsolationLayers) -> None:
        self.ledger = ledger
        self._file, self._layers = file, layers
        self.run_id = ids.new_run()
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._room = [_MOST_BYTES, _MOST_BYTES_BELOW]
        self._refused = 0

    def __repr__(self) -> str:
        return f"<Register of run {self.run_id}>"

    def next(self, parent: Which | None = None) -> Which:
        """Return which attempt the next one is: the first of a task that `parent` has called."""
        serial = next(self._numbers)
        return Which(serial) if parent is None else Which(serial, parent.serial, parent.depth + 1)

    def again(self, before: Which) -> Which:
        """Return which attempt the next one is, if it repeats the one `before`."""
        return before._replace(serial=next(self._numbers), number=before.number + 1)

    def new(
        self,
        which: Which,
        task: str,
        limits: tuple[int, int | None, int | None],
        before: Created | None = None,
    ) -> Created:
        """Return what begins the life of an attempt.

        `limits` are compute, ram and timeout; `before` is the attempt that it repeats.
        """
        compute, ram, timeout_ms = limits
        return Created(
            ids.of_attempt(self.run_id, which.serial),
            self.run_id,
            None if which.parent is None else ids.of_attempt(self.run_id, which.parent),
            None if before is None else before.id,
            which.depth,
            which.number,
            task,
            self._file,
            time.time_ns(),
            compute,
            ram,
            timeout_ms,
            self._layers.landlock,
            self._layers.seccomp,
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


class AttemptEvents:
    """What is told of one task in a run, attempt after attempt, by the thread that runs it.

    The observer is told all of it, and the ledger what it keeps. `which` is the attempt that goes
    on, or was the last. `with` it: whatever ends the block, no attempt is left open.
    """

    def __init__(
        self, run_events: RunEvents, observer: Observer, policy: Policy, which: Which
    ) -> None:
        self._run_events, self._ledger = run_events, run_events.ledger
        self._observer, self._policy = observer, policy
        self.which = which
        self._granted = policy
        self._now: Created | None = None
        self._begin = 0
        self._open = True
        self._plain = self._cold = False
        self._requests = 0
        self._create()

    def __repr__(self) -> str:
        return f"<Track of {self._policy.task!r}: {self.which!r}>"

    def again(self) -> None:
        """One more attempt is about to be made."""
        self.which = self._run_events.again(self.which)
        self._open = True
        self._observer.called(self.which, self._policy)
        self._create()

    def _create(self) -> None:
        if self._ledger is not None:
            self._begin = time.monotonic_ns()
            policy = self._policy
            limits = policy.compute, policy.ram, policy.timeout_ms
            self._now = self._run_events.new(self.which, policy.task, limits, self._now)
            self._cold = False
            self._ledger.created(self._now)

    def began_before(self, spent_ms: int) -> None:
        """So much of the attempt's time had passed when this was made."""
        self._begin -= spent_ms * 1_000_000

    def plain(self, reason: str) -> None:
        """Each attempt imports the task: it has no snapshot of its own, and why."""
        self._plain = True
        self._observer.unfrozen(self.which, self._policy, reason)

    def cold(self) -> None:
        """The sandbox of this attempt is started for it."""
        self._cold = True

    def started(self, granted: Policy) -> Output:
        """The attempt begins, under these limits; return who sees what it prints."""
        self._granted = granted
        output = self._observer.started(self.which, granted)
        if self._ledger is not None and self._now is not None:
            event = Running(time.time_ns(), granted.compute, granted.timeout_ms)
            self._ledger.running(self._now.id, event)
        return output

    def ended(self, done: Attempt, requests: list[dict[str, Any]]) -> None:
        """The attempt is over; `requests` are those of all attempts."""
        self._open = False
        if self._ledger is not None and self._now is not None:
            self._ledger.ended(self._now.id, self._end_of(done, requests))
        self._observer.ended(self.which, self._granted, done)

    def _end_of(self, done: Attempt, requests: list[dict[str, Any]]) -> Ended:
        outcome = done.outcome
        how: How = "plain" if self._plain else "cold" if self._cold else "warm"
        new, self._requests = requests[self._requests :], len(requests)
        event = Ended(
            state_of(outcome.error_type),
            time.time_ns(),
            time.monotonic_ns() - self._begin,
            how,
            done.fuel,
            done.memory,
            done.duration_ms,
            outcome.error_type,
            outcome.message or None,
            outcome.traceback,
            done.left_out,
            direct_json.dumps(new) if new else "",
            done.stdout,
            done.stderr,
        )
        size = event.weight()
        kept = not size or self._run_events.fits(self.which.depth, size)
        return event if kept else event.without_details()

    def settled(self, envelope: Envelope) -> Envelope:
        """Return an envelope with the name of the run, whoever made it.

        Where no attempt gave it, it says how the last one ended.
        """
        envelope["execution"]["run_id"] = self._run_events.run_id
        error = envelope["error"]
        if error is not None:
            self._give_up(error["error_type"], error["message"])
        return envelope

    def calls(self, policy: Policy) -> Which:
        """The attempt calls a task, which waits for its place; return its first attempt."""
        which = self._run_events.next(self.which)
        self._observer.called(which, policy)
        return which

    def gives_up(self, which: Which, policy: Policy, message: str) -> None:
        """A task that was called is not waited for any more, before it began."""
        self._observer.given_up(which, policy.task, "cancelled", message)

    def refused(self, task: str, message: str) -> Envelope:
        """A task was called that may not run, or is none; return the answer."""
        envelope = refusal(task, "policy_error", message)
        envelope["execution"]["run_id"] = self._run_events.run_id
        if not self._run_events.may_refuse():
            return envelope
        which = self._run_events.next(self.which)
        if self._ledger is not None:
            made = self._run_events.new(which, task, (0, None, None))
            self._ledger.created(made)
            event = Ended("failed", made.created_ns, 0, error_type="policy_error", message=message)
            self._ledger.ended(made.id, event)
        self._observer.given_up(which, task, "policy_error", message)
        return envelope

    def __enter__(self) -> AttemptEvents:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CapsuleError):
            self._give_up(error.code, error.message)
        elif isinstance(error, Exception):
            self._give_up("capsule_error", f"the host failed: {type(error).__name__}")
        elif error is not None:
            self._give_up("cancelled", "the program that ran it was interrupted")

    def _give_up(self, error_type: ErrorType | Code, message: str) -> None:
        if not self._open:
            return
        self._open = False
        if self._ledger is not None and self._now is not None:
            elapsed = time.monotonic_ns() - self._begin
            state = state_of(error_type)
            event = Ended(state, time.time_ns(), elapsed, error_type=error_type, message=message)
            self._ledger.ended(self._now.id, event)
        self._observer.given_up(self.which, self._policy.task, error_type, message)
