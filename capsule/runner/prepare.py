"""From a task's source and a call to an order: everything is settled before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from capsule.confine import walls as confine
from capsule.errors import PolicyError
from capsule.policy.entry import entry_task
from capsule.policy.resolve import CallerLimits, Policy, resolve_all
from capsule.runner.material import gather
from capsule.runner.run import Order
from capsule.snapshot import request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from capsule.progress import Progress
    from capsule.runner.source import Source


class Call(NamedTuple):
    """What to call the task with, and what the caller allows at most."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    limits: CallerLimits = CallerLimits()


def order(source: Source, call: Call, home: Path, progress: Progress) -> Order:
    """Settle the policy and prepare what a run needs: toolchain, packages, walls.

    Raises `CapsuleError` when anything is wrong; nothing has run then.
    """
    task = entry_task(source.declarations)
    policies = resolve_all(source.declarations, source.project, call.limits)
    policy = policies[task.name]
    _refuse_what_is_not_there_yet(policy)
    asked = request.Call(source.bundle.entry, task.function, call.args, call.kwargs)
    request.check(asked)
    walls = confine.standing()
    return Order(policy, asked, gather(source, task, home, walls, progress), walls, progress)


def _refuse_what_is_not_there_yet(policy: Policy) -> None:
    """A permission that this version cannot give is refused, never dropped in silence."""
    for option, wanted in (
        ("allowed_files", policy.allowed_files),
        ("allowed_hosts", policy.allowed_hosts),
        ("env_variables", policy.env_variables),
    ):
        if wanted:
            raise PolicyError(
                f"task {policy.task!r}: {option}: this version of capsule cannot give it yet",
                hint=f"run the task without {option}",
            )
