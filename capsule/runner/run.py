"""Running one task to its envelope: attempts until one succeeds or no more are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from capsule.confine import staging
from capsule.envelope import Envelope, EnvelopeError, refusal
from capsule.policy.units import format_ram
from capsule.process.argv import Launch
from capsule.runner.attempt import Attempt, Output, Plan, attempt
from capsule.runner.verdict import Limits
from capsule.snapshot.generic import Snapshot, stdlib_mount

if TYPE_CHECKING:
    from capsule.confine.walls import Walls
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.toolstore.toolchain import Toolchain


class Order(NamedTuple):
    """What to run and on what: a policy that is settled, a request that is encoded."""

    policy: Policy
    request: bytes
    toolchain: Toolchain
    snapshot: Snapshot
    walls: Walls


class Observer(Output, Protocol):
    """Who is told what happens to a task while it happens."""

    def started(self, policy: Policy, number: int) -> None:
        """Take that attempt `number` begins; the first is 0."""

    def ended(self, policy: Policy, number: int, done: Attempt) -> None:
        """Take how an attempt ended."""


def run(order: Order, observer: Observer, cancellation: Cancellation) -> Envelope:
    """Run the task and return its envelope, whatever happens inside the sandbox.

    Raises `CapsuleError` when the host cannot run it at all; then nothing has run.
    """
    policy, snapshot = order.policy, order.snapshot
    if policy.ram is not None and policy.ram < snapshot.memory:
        return refusal(
            policy.task,
            "memory_exceeded",
            f'ram="{format_ram(policy.ram)}" is less than the interpreter starts with; '
            f'the least is "{format_ram(snapshot.memory)}"',
        )
    plan = Plan(
        Launch(
            order.toolchain.wasmtime,
            snapshot.host_module,
            order.toolchain.interpreter,
            snapshot.driver,
            fuel=policy.compute + snapshot.overhead,
            budget=policy.compute,
            memory=policy.ram,
        ),
        snapshot.first_step,
        order.walls,
        order.request,
        Limits(policy.compute, policy.ram, policy.timeout_ms),
    )
    number = 0
    while True:
        observer.started(policy, number)
        with staging.read_only(order.toolchain.stdlib, order.walls) as stdlib:
            launch = plan.launch._replace(mounts=(stdlib_mount(stdlib),))
            done = attempt(plan._replace(launch=launch), observer, cancellation)
        observer.ended(policy, number, done)
        failed = done.verdict.error_type
        if failed is None or failed == "cancelled" or number == policy.max_retries:
            return _envelope(policy.task, number, done)
        number += 1


def _envelope(task: str, retries: int, done: Attempt) -> Envelope:
    verdict = done.verdict
    error: EnvelopeError | None = None
    if verdict.error_type is not None:
        error = {"error_type": verdict.error_type, "message": verdict.message}
        if verdict.traceback is not None:
            error["traceback"] = verdict.traceback
    return {
        "success": error is None,
        "result": verdict.result,
        "error": error,
        "execution": {
            "task_name": task,
            "duration_ms": done.duration_ms,
            "retries": retries,
            "fuel_consumed": done.fuel,
            "ram_used": done.memory,
            "host_requests": [],
            "stdout": done.stdout,
            "stderr": done.stderr,
            "truncated_bytes": done.left_out,
        },
    }
