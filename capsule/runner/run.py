"""Running one task to its envelope: attempts until one succeeds or no more are allowed."""

from __future__ import annotations

import os
import time
from types import MappingProxyType

from capsule.confine.scratch import WORKING
from capsule.envelope import Envelope, EnvelopeError, refusal
from capsule.errors import PolicyError
from capsule.namedtuples import NamedTuple
from capsule.policy.ceilings import RunLimits
from capsule.runner import interpreter_choice
from capsule.runner.attempt import Attempt, Cold, Plan, Starter, attempt
from capsule.runner.attempt_events import AttemptEvents, RunEvents
from capsule.runner.limit_messages import left_of, limits_of, too_small
from capsule.runner.outcome import stopped
from capsule.runner.run_budget import Job, RunBudget
from capsule.runner.services import Services
from capsule.runner.snapshot_choice import SnapshotChoice, Unstarted, choose_snapshot
from capsule.runner.subtasks import answering
from capsule.snapshot.task_snapshot import SnapshotSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.lifecycle.events import Ledger
    from capsule.policy.resolve import Policy
    from capsule.policy.secret_rules import Secret
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.host_functions import HostFunctions
    from capsule.runner.memory_budget import Hold
    from capsule.runner.observer import Observer, Which
    from capsule.runner.sandbox_inputs import RunInputs
    from capsule.snapshot.request import Call


_SPENT = "the run has spent what run_compute or run_timeout in [limits] of {} allow it"


class Order(NamedTuple):
    """What to run and on what: the policy is settled, and all that is needed is there.

    `jobs` are the tasks that the task can call, by name; `limits` those of the project; `environ`
    has the settings of proxies. `file` is what the user named, and `ledger` keeps a record of all
    attempts, those of tasks that are called too; None for no record. `adapt` makes the plan of an
    attempt that of a session's turn, which starts from `choice` and nothing else. `functions` are
    those of the host that the task may call, `secrets` those that requests of all tasks may bear.
    """

    policy: Policy
    call: Call
    inputs: RunInputs
    layers: IsolationLayers
    progress: Progress
    jobs: Mapping[str, Job] = MappingProxyType({})
    limits: RunLimits = RunLimits()
    environ: Mapping[str, str] = os.environ
    file: str | None = None
    ledger: Ledger | None = None
    adapt: Callable[[Plan], Plan] | None = None
    choice: SnapshotChoice | None = None
    functions: HostFunctions | None = None
    secrets: tuple[Secret, ...] = ()


COLD = Cold()


def run(
    order: Order, observer: Observer, cancellation: Cancellation, starter: Starter = COLD
) -> Envelope:
    """Run the task, and those that it calls, and return its envelope, whatever happens inside.

    Its own sandbox comes from `starter`, those of tasks that it calls are started for them.

    Raises `CapsuleError` when the host cannot run it at all; then nothing has run.
    """
    run_budget = RunBudget(order.jobs, order.limits, order.inputs.fetched_ms)
    run_events = RunEvents(order.ledger, order.file, order.layers)
    which = run_events.next()
    observer.called(which, order.policy)
    place = _Place(run_budget, run_events, which, starter, run_budget.memory.answers.hold())
    return _run(order, observer, cancellation, place)


def given_up(order: Order, observer: Observer) -> Envelope:
    """Return the envelope of an order that was cancelled before its turn, and record that."""
    run_events = RunEvents(order.ledger, order.file, order.layers)
    which = run_events.next()
    observer.called(which, order.policy)
    with AttemptEvents(run_events, observer, order.policy, which) as events:
        said = "the run was cancelled before its turn"
        return events.settled(refusal(order.policy.task, "cancelled", said))


class _Place(NamedTuple):
    """Where in a run a task is, which attempt of it is the first, and whence its sandbox comes.

    `hold` is the room that its answer has, out of the memory of the run.
    """

    run_budget: RunBudget
    run_events: RunEvents
    which: Which
    starter: Starter
    hold: Hold


def _run(order: Order, observer: Observer, cancellation: Cancellation, place: _Place) -> Envelope:
    with AttemptEvents(place.run_events, observer, order.policy, place.which) as events:
        return events.settled(_attempts(order, observer, cancellation, place, events))


def _attempts(
    order: Order,
    observer: Observer,
    cancellation: Cancellation,
    place: _Place,
    events: AttemptEvents,
) -> Envelope:
    policy, run_budget, depth = order.policy, place.run_budget, place.which.depth
    begin = time.monotonic()
    fetched_ms = order.inputs.fetched_ms if depth == 0 else 0
    timeout_ms = run_budget.within(left_of(policy.timeout_ms, fetched_ms))
    if timeout_ms is not None and timeout_ms <= 0:
        return refusal(policy.task, "policy_error", _SPENT.format(order.limits.file))
    start = order.choice or choose_snapshot(
        order.inputs, order.call, snapshot_settings(order, timeout_ms, cancellation)
    )
    if isinstance(start, Unstarted):
        limits = limits_of(policy._replace(timeout_ms=timeout_ms), policy, fetched_ms)
        duration_ms = round((time.monotonic() - begin) * 1000)
        outcome = stopped(limits, duration_ms, cancelled=start.cancelled)
        none = Attempt(outcome, duration_ms, None, None, "", "", 0)
        return _envelope(policy.task, 0, none, None)
    if policy.ram is not None and policy.ram < start.snapshot.memory:
        least = start.snapshot.memory
        return refusal(policy.task, "memory_exceeded", too_small(limits_of(policy, policy), least))
    if start.plain is not None:
        events.plain(start.plain)
    known = start.inputs

    def below(
        job: Job, call: Call, which: Which, cancellation: Cancellation, hold: Hold
    ) -> Envelope:
        inputs = known._replace(folders=job.folders, variables=job.policy.variables)
        called = order._replace(policy=job.policy, call=call, inputs=inputs)
        under = _Place(run_budget, place.run_events, which, COLD, hold)
        return _run(called, observer, cancellation, under)

    answer = answering(run_budget, events, below)
    # They are for the task that was asked for, and not for those that it calls.
    functions = order.functions if depth == 0 else None
    services = Services(
        policy, order.environ, answer, order.call.env.values(), functions, order.secrets
    )
    number = 0
    while True:
        fetched_ms = fetched_ms if number == 0 else 0
        granted = run_budget.grant(policy, fetched_ms)
        if granted is None:
            return _refused(policy, _SPENT.format(order.limits.file), services)
        plan = _plan(order, start, granted, fetched_ms)
        try:
            with services:
                plan = plan._replace(
                    answer=services,
                    cold=events.cold,
                    # The result of a task that was called is for the sandbox that called it.
                    raw=depth > 0,
                    memory=run_budget.memory,
                    hold=place.hold,
                    use=run_budget.use if depth > 0 else None,
                )
                output = events.started(granted)
                done = attempt(plan, place.starter, output, cancellation)
        except PolicyError as wrong:
            if depth == 0 and number == 0:
                raise
            # Something of the run has run already: whoever called gets an envelope.
            run_budget.settle(granted, 0)
            return _refused(policy, wrong.message, services)
        run_budget.settle(granted, done.fuel)
        events.ended(done, services.requests)
        if done.outcome.needs and order.choice is None:
            # What a turn of a session imports has no say in what other sessions begin with.
            interpreter_choice.remember(known, done.outcome.needs)
        over = done.outcome.error_type in (None, "cancelled") or number == policy.max_retries
        if over or not run_budget.again(depth):
            return _envelope(policy.task, number, done, services)
        number += 1
        events.again()
        if done.outcome.needs and order.choice is None:
            # The next attempt is on an interpreter that has it.
            wider = choose_snapshot(
                known, order.call, snapshot_settings(order, timeout_ms, cancellation)
            )
            if isinstance(wider, SnapshotChoice):
                start, known = wider, wider.inputs


def snapshot_settings(
    order: Order, timeout_ms: int | None, cancellation: Cancellation
) -> SnapshotSettings:
    """Return what a snapshot of the task of an order is taken with, in so many milliseconds."""
    return SnapshotSettings(
        order.layers, timeout_ms, order.policy.ram, cancellation, order.progress
    )


def first_plan(order: Order, start: SnapshotChoice) -> Plan | None:
    """Return how the first attempt of an order will be made, None where nothing may be spent."""
    granted = RunBudget(order.jobs, order.limits).grant(order.policy)
    return None if granted is None else _plan(order, start, granted)


def _refused(policy: Policy, message: str, services: Services) -> Envelope:
    envelope = refusal(policy.task, "policy_error", message)
    envelope["execution"]["host_requests"] = services.requests
    envelope["execution"]["host_calls"] = services.calls
    return envelope


def _plan(order: Order, start: SnapshotChoice, policy: Policy, fetched_ms: int = 0) -> Plan:
    # A larger interpreter may have been taken since the order was made.
    base, snapshot = start.inputs.base, start.snapshot
    launch = base.launch._replace(
        image=snapshot.image,
        fuel=policy.compute + snapshot.overhead,
        budget=policy.compute,
        memory=policy.ram,
        mounts=start.mounts,
    )
    # A copy that was made ahead would not be what the file or the project is by then.
    stale = any(each.is_file or each.guest == WORKING for each in order.inputs.folders)
    warming = None if stale else snapshot.warming
    limits = limits_of(policy, order.policy, fetched_ms)
    plan = Plan(
        launch,
        base.first_step,
        order.layers,
        start.request,
        limits,
        warming,
        initial=base.initial,
        files=order.inputs.code.files,
        passed=order.call.passed,
    )
    return plan if order.adapt is None else order.adapt(plan)


def _envelope(task: str, retries: int, done: Attempt, services: Services | None) -> Envelope:
    outcome = done.outcome
    error: EnvelopeError | None = None
    if outcome.error_type is not None:
        error = {"error_type": outcome.error_type, "message": outcome.message}
        if outcome.traceback is not None:
            error["traceback"] = outcome.traceback
    return {
        "success": error is None,
        "result": outcome.result,
        "error": error,
        "execution": {
            "task_name": task,
            "run_id": None,
            "queue_ms": 0,
            "duration_ms": done.duration_ms,
            "retries": retries,
            "fuel_consumed": done.fuel,
            "ram_used": done.memory,
            "host_requests": [] if services is None else services.requests,
            "host_calls": [] if services is None else services.calls,
            "stdout": done.stdout,
            "stderr": done.stderr,
            "truncated_bytes": done.left_out,
        },
    }
