"""Running a task that another one called, in its own sandbox under its own policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.envelope import refusal
from capsule.runner.call_dispatcher import CallError
from capsule.snapshot.request import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt_events import AttemptEvents
    from capsule.runner.call_dispatcher import Answer, HostCall
    from capsule.runner.observer import Which
    from capsule.runner.run_budget import Job, RunBudget

    Run = Callable[[Job, Call, Which, Cancellation], Envelope]

_LOOK_AGAIN = 0.1
_CANCELLED = "the run was cancelled"


def answering(run_budget: RunBudget, events: AttemptEvents, run: Run) -> Answer:
    """Return what runs the tasks that the one of `events` calls; `run` runs one task below it."""
    depth = events.which.depth + 1

    def answer(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        args, kwargs = asked.fields.get("args"), asked.fields.get("kwargs")
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise CallError("failed", "the arguments of a task are a list and an object")
        name = asked.fields.get("name")
        try:
            job = run_budget.enter(name, depth)
        except CallError as error:
            name, message = str(name)[:100], str(error)
            events.refused(name, message)
            return {"envelope": refusal(name, "policy_error", message)}, b""
        call = Call(job.module, job.function, args, kwargs, job.env, job.policy.task)
        which = events.calls(job.policy)
        place = run_budget.place(depth)
        while not place.acquire(timeout=_LOOK_AGAIN):
            if cancellation.cancelled:
                events.gives_up(which, job.policy, _CANCELLED)
                raise CallError("failed", _CANCELLED)
        try:
            return {"envelope": run(job, call, which, cancellation)}, b""
        finally:
            place.release()

    return answer
