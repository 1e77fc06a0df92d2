"""From a task's source and a call to an order: everything is settled before anything runs."""

from __future__ import annotations

import os

from capsule.confine import isolation_layers as confine
from capsule.errors import OutOfTimeError, UsageError
from capsule.namedtuples import NamedTuple
from capsule.policy.ceilings import run_limits
from capsule.policy.resolve import NO_GRANTS, CallerLimits, Grants, Policy, resolve, resolve_all
from capsule.process.argv import Mount
from capsule.progress import Silent
from capsule.runner.environment import values_of
from capsule.runner.run import Order
from capsule.runner.run_budget import Job
from capsule.runner.run_inputs import FetchTime, gather
from capsule.runner.source import entry_of
from capsule.snapshot import request
from capsule.snapshot.task_snapshot import Unfrozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from capsule.policy.declaration_types import TaskDeclaration
    from capsule.policy.mounts import MountRule
    from capsule.policy.project import Project
    from capsule.policy.secret_rules import Secret, SecretRule
    from capsule.progress import Progress
    from capsule.runner.host_functions import HostFunctions
    from capsule.runner.source import Source


class Call(NamedTuple):
    """What to call the task with, what the caller adds, and what it allows at most.

    `grants` are for a source that is the caller's own words. `environ` is where variables and the
    settings of proxies come from; `stdin` is what the task reads there, None for nothing. `secrets`
    are for any source.
    """

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    limits: CallerLimits = CallerLimits()
    mounts: Sequence[MountRule] = ()
    environ: Mapping[str, str] = os.environ
    grants: Grants = NO_GRANTS
    stdin: bytes | None = None
    secrets: Sequence[SecretRule] = ()


def order(
    source: Source, call: Call, home: Path, progress: Progress, since: float | None = None
) -> Order:
    """Settle the policy and prepare what a run needs: toolchain, packages, walls.

    The packages are fetched within the time that the task may take, which runs from `since`, in the
    seconds of `time.monotonic`, or from when that begins.

    Raises `CapsuleError` when anything is wrong; nothing has run then. It is `FetchTimeoutError`
    when the packages took too long.
    """
    task, declarations = entry_of(source), source.declarations
    project = source.project._replace(state=home)
    policies = _policies(source, task, call, project)
    functions = {declared.name: declared for declared in declarations.tasks} | {task.name: task}
    secrets = _secrets(call, project)
    jobs = {
        name: _job(policies[name], source, declared, call.environ, secrets)
        for name, declared in functions.items()
    }
    mine = jobs[task.name]
    asked = request.Call(
        mine.module,
        mine.function,
        call.args,
        call.kwargs,
        mine.env,
        mine.policy.task,
        script=source.script,
        program=source.named if source.script and source.named in {"-", "-c"} else source.script,
        stdin=call.stdin,
    )
    if source.script and call.kwargs:
        raise UsageError(
            "keywords go to a function main, and this source is run as a program",
            hint="an array: its values are sys.argv[1:]",
        )
    request.check(asked)
    layers = confine.standing()
    limits, environ = run_limits(project.ceilings), call.environ
    bounds = (mine.policy.timeout_ms, limits.timeout_ms)
    allowed_ms = min((ms for ms in bounds if ms is not None), default=None)
    try:
        inputs = gather(source, task, home, layers, progress, FetchTime(allowed_ms, since))
    except OutOfTimeError as late:
        from capsule.runner.fetch_timeout import FetchTimeoutError  # for those that are late

        granted = mine.policy._replace(timeout_ms=allowed_ms)
        raise FetchTimeoutError(late, granted, mine.policy, source.named, layers) from None
    inputs = inputs._replace(folders=mine.folders, variables=mine.policy.variables)
    if source.script:
        inputs = inputs._replace(frozen=Unfrozen("is the run itself"))
    found = Order(mine.policy, asked, inputs, layers, progress, jobs, limits, environ, source.named)
    return found._replace(secrets=secrets)


def with_own_policy(order: Order, source: Source, call: Call) -> Order:
    """Return the order for a call with limits and mounts of its own, on what is there already.

    `source` is what the order was made of. Values of variables are still to be read: `renewed`.

    Raises `CapsuleError` when anything is wrong.
    """
    project = source.project._replace(state=order.inputs.home)
    policies = _policies(source, entry_of(source), call, project)
    jobs = {
        name: job._replace(policy=policies[name], folders=_folders(policies[name]))
        for name, job in order.jobs.items()
    }
    mine = jobs[order.policy.task]
    inputs = order.inputs._replace(folders=mine.folders, variables=mine.policy.variables)
    return order._replace(policy=mine.policy, inputs=inputs, jobs=jobs)


def _policies(
    source: Source, task: TaskDeclaration, call: Call, project: Project
) -> dict[str, Policy]:
    """Return the policy of each task of a source, of which `task` is the one that is called."""
    narrows = call.limits._replace(raises=())
    grants = grants_of(call, project)
    found = resolve_all(source.declarations, project, narrows, call.mounts, grants)
    if call.limits.raises:
        # What a call sets is for the task that it calls; those that this calls have their own.
        found[task.name] = resolve(task, project, call.limits, call.mounts, grants)
    return found


def grants_of(call: Call, project: Project) -> Grants:
    """Return what a call grants, with the names of the secrets that it has."""
    return call.grants._replace(secrets=tuple(rule.name for rule in secret_rules(call, project)))


def secret_rules(call: Call, project: Project) -> tuple[SecretRule, ...]:
    """Return the secrets that a call has: its own, and those of the project that it is made in.

    Raises `ConfigError` where one of the latter is above a ceiling. Nothing untrusted has those.
    """
    if not (call.secrets or project.secrets):
        return ()
    from capsule.runner.secret_values import in_force, within_ceilings  # most runs have none

    untrusted = call.limits.untrusted or any(each.limits.untrusted for each in project.ceilings)
    around = () if untrusted else project.secrets
    within_ceilings(around, project.ceilings)
    return in_force(call.secrets, around)


def _secrets(call: Call, project: Project, identity: str | None = None) -> tuple[Secret, ...]:
    """Return the secrets of a run with their values, under placeholders of its own."""
    rules = secret_rules(call, project)
    if call.limits.no_env or not rules:
        return ()
    from capsule.runner.secret_values import new_identity, with_values

    return with_values(rules, call.environ, identity or new_identity())


def with_functions(order: Order, functions: HostFunctions) -> Order:
    """Return the order for a task that may call functions of the host."""
    asked = order.call._replace(tools=functions.described)
    return order._replace(call=asked, functions=functions)


def without_values(order: Order) -> Order:
    """Return the order as it may be kept for long: without anything that one call brought along.

    Arguments, values of variables, who is told of progress, and how long its packages took;
    `renewed` gives it others.
    """
    jobs = {name: job._replace(env={}) for name, job in order.jobs.items()}
    asked = order.call._replace(args=(), kwargs=None, env={}, stdin=None)
    inputs = order.inputs._replace(fetched_ms=0)
    order = order._replace(call=asked, inputs=inputs, jobs=jobs, environ={}, progress=Silent())
    return order._replace(secrets=())


def renewed(order: Order, project: Project, call: Call, identity: str | None = None) -> Order:
    """Return the order for another call of the same task, with the variables' values of now.

    The limits and folders of `order` stay as they are. `identity` is that of a session, of which
    the placeholders of secrets are made; those of a run are its own.

    Raises `CapsuleError` for values that cannot be had.
    """
    environ = call.environ
    secrets = _secrets(call, project, identity) if order.policy.secrets else ()
    jobs = {
        name: job._replace(env=_env(job.policy, project.root, environ, secrets))
        if job.policy.variables
        else job
        for name, job in order.jobs.items()
    }
    env = jobs[order.policy.task].env
    asked = order.call._replace(args=call.args, kwargs=call.kwargs, env=env, stdin=call.stdin)
    return order._replace(call=asked, jobs=jobs, environ=environ, secrets=secrets)


def _job(
    policy: Policy,
    source: Source,
    declared: TaskDeclaration,
    environ: Mapping[str, str],
    secrets: tuple[Secret, ...],
) -> Job:
    """Return a task with all that its policy gives it."""
    env = _env(policy, source.project.root, environ, secrets)
    module = declared.module or source.bundle.entry
    return Job(policy, module, declared.function, _folders(policy), env)


def _env(
    policy: Policy, root: Path, environ: Mapping[str, str], secrets: tuple[Secret, ...]
) -> dict[str, str]:
    """Return the variables that a task sees: a placeholder is all that it sees of a secret."""
    env = values_of(policy.env_variables, root, environ)
    if secrets:
        from capsule.runner.secret_values import check_hidden

        check_hidden(env, secrets, policy.task)
        env |= {secret.name: secret.placeholder for secret in secrets}
    return env


def _folders(policy: Policy) -> tuple[Mount, ...]:
    return tuple(
        Mount(grant.host, grant.guest, grant.writable, nofollow=True, is_file=grant.is_file)
        for grant in policy.allowed_files
    )
