"""From a task's source and a call to an order: everything is settled before anything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from capsule.confine import walls as confine
from capsule.policy.entry import entry_task
from capsule.policy.resolve import CallerLimits, Policy, resolve_all
from capsule.process.argv import Mount
from capsule.runner.environment import values_of
from capsule.runner.material import gather
from capsule.runner.run import Order
from capsule.runner.tree import Job
from capsule.snapshot import request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from capsule.policy.folders import FolderRule
    from capsule.policy.source import Declared
    from capsule.progress import Progress
    from capsule.runner.source import Source


class Call(NamedTuple):
    """What to call the task with, what the caller adds, and what it allows at most."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    limits: CallerLimits = CallerLimits()
    mounts: Sequence[FolderRule] = ()


def order(source: Source, call: Call, home: Path, progress: Progress) -> Order:
    """Settle the policy and prepare what a run needs: toolchain, packages, walls.

    Raises `CapsuleError` when anything is wrong; nothing has run then.
    """
    task = entry_task(source.declarations)
    project = replace(source.project, state=home)
    policies = resolve_all(source.declarations, project, call.limits, call.mounts)
    functions = {declared.name: declared for declared in source.declarations.tasks} | {
        task.name: task
    }
    jobs = {name: _job(policies[name], source, declared) for name, declared in functions.items()}
    mine = jobs[task.name]
    asked = request.Call(
        mine.module, mine.function, call.args, call.kwargs, mine.env, mine.policy.task
    )
    request.check(asked)
    walls = confine.standing()
    material = gather(source, task, home, walls, progress)._replace(folders=mine.folders)
    return Order(mine.policy, asked, material, walls, progress, jobs, source.project.limits)


def _job(policy: Policy, source: Source, declared: Declared) -> Job:
    """Return a task with all that its policy gives it."""
    folders = tuple(
        Mount(grant.host, grant.guest, grant.writable, straight=True)
        for grant in policy.allowed_files
    )
    env = values_of(policy.env_variables, source.project.root)
    module = declared.module or source.bundle.entry
    return Job(policy, module, declared.function, folders, env)
