"""Running a task that another one called, in its own sandbox under its own policy."""

from __future__ import annotations

import time

from capsule import direct_json
from capsule.runner.call_dispatcher import CallError
from capsule.snapshot.request import Call
from capsule.wire.response_parser import RawResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt_events import AttemptEvents
    from capsule.runner.call_dispatcher import Answer, Data, HostCall
    from capsule.runner.memory_budget import Hold
    from capsule.runner.observer import Which
    from capsule.runner.run_budget import Job, RunBudget

    Run = Callable[[Job, Call, Which, Cancellation, Hold], Envelope]

_LOOK_AGAIN = 0.1
_CANCELLED = "the run was cancelled"


def answering(run_budget: RunBudget, events: AttemptEvents, run: Run) -> Answer:
    """Return what runs the tasks that the one of `events` calls; `run` runs one task below it."""
    depth = events.which.depth + 1

    def answer(asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], Data]:
        name, passed = asked.fields.get("name"), _arguments(asked)
        try:
            job = run_budget.enter(name, depth)
        except CallError as error:
            name, message = str(name)[:100], str(error)
            return {"envelope": events.refused(name, message)}, b""
        call = Call(job.module, job.function, env=job.env, task=job.policy.task, passed=passed)
        which = events.calls(job.policy)
        place, begin = run_budget.place(depth), time.monotonic()
        while not place.acquire(timeout=_LOOK_AGAIN):
            if cancellation.cancelled:
                events.gives_up(which, job.policy, _CANCELLED)
                raise CallError("failed", _CANCELLED)
        queue_ms = round((time.monotonic() - begin) * 1000)
        try:
            envelope = run(job, call, which, cancellation, asked.hold)
        finally:
            place.release()
        envelope["execution"]["queue_ms"] = queue_ms
        result = envelope["result"]
        if not isinstance(result, RawResult):
            return {"envelope": envelope}, b""
        # Behind the envelope and not in it: whatever stands in there can forge nothing of it.
        envelope["result"] = None
        return {"envelope": envelope, "result": result.kind}, result.payload

    return answer


def _arguments(asked: HostCall) -> memoryview:
    """Return the arguments as they came, where they lie behind the fields; else those in them.

    Raises `CallError`.
    """
    known = {"name"} if asked.data else {"name", "args", "kwargs"}
    if unknown := asked.fields.keys() - known:
        said = ", ".join(repr(name[:20]) for name in sorted(unknown)[:5])
        raise CallError("failed", f"a call of a task has no {said}")
    if asked.data:
        return asked.data
    args, kwargs = asked.fields.pop("args", None), asked.fields.pop("kwargs", None)
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CallError("failed", "the arguments of a task are a list and an object")
    # What waits for its turn does so as text: parsed, it takes thirty times as much.
    return memoryview(direct_json.dumps([args, kwargs]).encode())
