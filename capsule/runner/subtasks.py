"""Running a task that another one called, in its own sandbox under its own policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.envelope import refusal
from capsule.runner.switchboard import CallError
from capsule.snapshot.request import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.runner.switchboard import Answer, Asked
    from capsule.runner.tree import Job, Tree

    Run = Callable[[Job, Call, int, Cancellation], Envelope]

_LOOK_AGAIN = 0.1


def answering(tree: Tree, depth: int, run: Run, refused: Callable[[str, str], None]) -> Answer:
    """Return what runs the tasks that one at `depth` calls; `run` runs one task below it.

    `refused` is told the name of one that may not run, and why.
    """

    def answer(asked: Asked, cancellation: Cancellation) -> tuple[dict[str, Any], bytes]:
        args, kwargs = asked.fields.get("args"), asked.fields.get("kwargs")
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise CallError("failed", "the arguments of a task are a list and an object")
        name = asked.fields.get("name")
        try:
            job = tree.enter(name, depth + 1)
        except CallError as error:
            name, message = str(name)[:100], str(error)
            refused(name, message)
            return {"envelope": refusal(name, "policy_error", message)}, b""
        call = Call(job.module, job.function, args, kwargs, job.env, job.policy.task)
        place = tree.place(depth + 1)
        while not place.acquire(timeout=_LOOK_AGAIN):
            if cancellation.cancelled:
                raise CallError("failed", "the run was cancelled")
        try:
            return {"envelope": run(job, call, depth + 1, cancellation)}, b""
        finally:
            place.release()

    return answer
