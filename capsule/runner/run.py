"""Running one task to its envelope: attempts until one succeeds or no more are allowed."""

from __future__ import annotations

import os
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from capsule.envelope import Envelope, EnvelopeError, refusal
from capsule.errors import PolicyError
from capsule.namedtuples import NamedTuple
from capsule.policy.project import Limits as RunLimits
from capsule.runner.attempt import Attempt, Cold, Plan, Starter, attempt
from capsule.runner.attempt_events import Register, Track
from capsule.runner.limit_messages import limits_of, too_small
from capsule.runner.outcome import stopped
from capsule.runner.run_budget import Job, Tree
from capsule.runner.services import Services
from capsule.runner.snapshot_choice import Material, Start, Unstarted, start_of
from capsule.runner.subtasks import answering
from capsule.snapshot.task_snapshot import Studio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.confine.isolation_layers import Walls
    from capsule.lifecycle.events import Ledger
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.observer import Observer, Which
    from capsule.snapshot.request import Call


_SPENT = "the run has spent what run_compute or run_timeout in [limits] of capsule.toml allow it"


class Order(NamedTuple):
    """What to run and on what: the policy is settled, and all that is needed is there.

    `jobs` are the tasks that the task can call, by name; `limits` those of the project; `environ`
    has the settings of proxies. `file` is what the user named, and `ledger` keeps a record of all
    attempts, those of tasks that are called too; None for no record.
    """

    policy: Policy
    call: Call
    material: Material
    walls: Walls
    progress: Progress
    jobs: Mapping[str, Job] = MappingProxyType({})
    limits: RunLimits = RunLimits()
    environ: Mapping[str, str] = os.environ
    file: str | None = None
    ledger: Ledger | None = None


COLD = Cold()


def run(
    order: Order, observer: Observer, cancellation: Cancellation, starter: Starter = COLD
) -> Envelope:
    """Run the task, and those that it calls, and return its envelope, whatever happens inside.

    Its own sandbox comes from `starter`, those of tasks that it calls are started for them.

    Raises `CapsuleError` when the host cannot run it at all; then nothing has run.
    """
    tree = Tree(order.jobs, order.limits)
    register = Register(order.ledger, order.file, order.walls)
    which = register.next()
    observer.called(which, order.policy)
    return _run(order, observer, cancellation, _Place(tree, register, which, starter))


def given_up(order: Order, observer: Observer) -> Envelope:
    """Return the envelope of an order that was cancelled before its turn, and record that."""
    register = Register(order.ledger, order.file, order.walls)
    which = register.next()
    observer.called(which, order.policy)
    with Track(register, observer, order.policy, which) as track:
        said = "the run was cancelled before its turn"
        return track.settled(refusal(order.policy.task, "cancelled", said))


class _Place(NamedTuple):
    """Where in a run a task is, which attempt of it is the first, and whence its sandbox comes."""

    tree: Tree
    register: Register
    which: Which
    starter: Starter


def _run(order: Order, observer: Observer, cancellation: Cancellation, place: _Place) -> Envelope:
    with Track(place.register, observer, order.policy, place.which) as track:
        return track.settled(_attempts(order, observer, cancellation, place, track))


def _attempts(
    order: Order, observer: Observer, cancellation: Cancellation, place: _Place, track: Track
) -> Envelope:
    policy, tree, depth = order.policy, place.tree, place.which.depth
    begin = time.monotonic()
    timeout_ms = tree.within(policy.timeout_ms)
    if timeout_ms is not None and timeout_ms <= 0:
        return refusal(policy.task, "policy_error", _SPENT)
    start = start_of(order.material, order.call, studio_of(order, timeout_ms, cancellation))
    if isinstance(start, Unstarted):
        limits = limits_of(policy._replace(timeout_ms=timeout_ms), policy)
        duration_ms = round((time.monotonic() - begin) * 1000)
        verdict = stopped(limits, duration_ms, cancelled=start.cancelled)
        return _envelope(policy.task, 0, Attempt(verdict, duration_ms, None, None, "", "", 0), [])
    if policy.ram is not None and policy.ram < start.snapshot.memory:
        least = start.snapshot.memory
        return refusal(policy.task, "memory_exceeded", too_small(limits_of(policy, policy), least))
    if start.plain is not None:
        track.plain(start.plain)
    known = start.material

    def below(job: Job, call: Call, which: Which, cancellation: Cancellation) -> Envelope:
        material = known._replace(folders=job.folders)
        called = order._replace(policy=job.policy, call=call, material=material)
        under = _Place(tree, place.register, which, COLD)
        return _run(called, observer, cancellation, under)

    answer = answering(tree, track, below)
    services = Services(policy, order.environ, answer, order.call.env.values())
    number = 0
    while True:
        granted = tree.grant(policy)
        if granted is None:
            return _refused(policy, _SPENT, services.requests)
        plan = _plan(order, start, granted)
        try:
            with services:
                plan = plan._replace(answer=services, cold=track.cold)
                output = track.started(granted)
                done = attempt(plan, place.starter, output, cancellation)
        except PolicyError as wrong:
            if depth == 0 and number == 0:
                raise
            # Something of the run has run already: whoever called gets an envelope.
            tree.settle(granted, 0)
            return _refused(policy, wrong.message, services.requests)
        tree.settle(granted, done.fuel)
        track.ended(done, services.requests)
        over = done.verdict.error_type in (None, "cancelled") or number == policy.max_retries
        if over or not tree.again(depth):
            return _envelope(policy.task, number, done, services.requests)
        number += 1
        track.again()


def studio_of(order: Order, timeout_ms: int | None, cancellation: Cancellation) -> Studio:
    """Return what a snapshot of the task of an order is taken with, in so many milliseconds."""
    return Studio(order.walls, timeout_ms, order.policy.ram, cancellation, order.progress)


def first_plan(order: Order, start: Start) -> Plan | None:
    """Return how the first attempt of an order will be made, None where nothing may be spent."""
    granted = Tree(order.jobs, order.limits).grant(order.policy)
    return None if granted is None else _plan(order, start, granted)


def _refused(policy: Policy, message: str, requests: list[dict[str, Any]]) -> Envelope:
    envelope = refusal(policy.task, "policy_error", message)
    envelope["execution"]["host_requests"] = requests
    return envelope


def _plan(order: Order, start: Start, policy: Policy) -> Plan:
    base, snapshot = order.material.base, start.snapshot
    launch = base.launch._replace(
        driver=snapshot.driver,
        fuel=policy.compute + snapshot.overhead,
        budget=policy.compute,
        memory=policy.ram,
        mounts=start.mounts,
    )
    # A copy of a folder that was made ahead would not be what the folder is by then.
    copied = not (order.walls.landlock and order.walls.seccomp)
    stale = copied and any(not folder.writable for folder in order.material.folders)
    warming = None if stale else snapshot.warming
    limits = limits_of(policy, order.policy)
    return Plan(launch, base.first_step, order.walls, start.request, limits, warming)


def _envelope(task: str, retries: int, done: Attempt, requests: list[dict[str, Any]]) -> Envelope:
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
            "host_requests": requests,
            "stdout": done.stdout,
            "stderr": done.stderr,
            "truncated_bytes": done.left_out,
        },
    }
