"""From a task file and its arguments to an order: everything is settled before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from capsule.bundle.collect import collect, collect_text
from capsule.confine import walls as confine
from capsule.errors import PolicyError, UsageError
from capsule.policy.config import find_project
from capsule.policy.entry import entry_task
from capsule.policy.resolve import CallerLimits, Policy, resolve_all
from capsule.policy.source import read_source
from capsule.runner.run import Order
from capsule.runner.start import Material
from capsule.snapshot import request
from capsule.snapshot.code import Code
from capsule.snapshot.generic import open_base
from capsule.toolstore import processor
from capsule.toolstore.store import open_toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from capsule.bundle.contents import Bundle
    from capsule.policy.project import Project
    from capsule.policy.source import Declarations
    from capsule.progress import Progress


class Source(NamedTuple):
    """A task's code, where it comes from, and the project that it belongs to."""

    declarations: Declarations
    bundle: Bundle
    project: Project


class Call(NamedTuple):
    """What to call the task with, and what the caller allows at most."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    limits: CallerLimits = CallerLimits()


def read_file(path: Path | None, working: Path) -> Source:
    """Read a task file, or the entry point of the project in `working` when there is no `path`.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    if path is None:
        path = _entrypoint(working)
    named, path = path, working / path
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UsageError(f"the task file {str(named)!r} {what}", hint="capsule run FILE.py")
    project = find_project(path.parent, working=working)
    bundle = collect(path, root=project.root)
    return Source(read_source(path.read_bytes(), path.name), bundle, project)


def read_text(source: bytes, working: Path) -> Source:
    """Read a task from its text, as it came on stdin.

    Raises `UsageError`, `PolicyError` or `ConfigError`.
    """
    project = find_project(working, working=working)
    return Source(read_source(source, "<stdin>"), collect_text(source), project)


def order(source: Source, call: Call, home: Path, progress: Progress) -> Order:
    """Settle the policy and prepare what a run needs: toolchain, packages, walls.

    Raises `CapsuleError` when anything is wrong; nothing has run then.
    """
    task = entry_task(source.declarations)
    policies = resolve_all(source.declarations, source.project, call.limits)
    policy = policies[task.name]
    _refuse_what_is_not_there_yet(policy, source.bundle)
    asked = request.Call(source.bundle.entry, task.function, call.args, call.kwargs)
    request.check(asked)
    walls = confine.standing()
    toolchain = processor.fit(home, open_toolchain(home, "core", progress=progress), progress)
    needs_asyncio = task.is_async or "asyncio" in source.bundle.imports
    base = open_base(home, toolchain, walls, progress, asyncio=needs_asyncio)
    bundle = source.bundle
    code = Code(bundle.files, bundle.entry, bundle.digest)
    return Order(policy, asked, Material(home, base, code), walls, progress)


def _entrypoint(working: Path) -> Path:
    project = find_project(working, working=working)
    if project.entrypoint is not None:
        return project.entrypoint
    if project.config is None:
        raise UsageError(
            "no task file was named, and there is no capsule.toml", hint="capsule run FILE.py"
        )
    raise UsageError(
        f"no task file was named, and {project.config} has no entrypoint",
        hint='entrypoint = "main.py" under [workflow]',
    )


def _refuse_what_is_not_there_yet(policy: Policy, bundle: Bundle) -> None:
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
    if bundle.dependencies:
        raise PolicyError(
            f"the task depends on {bundle.dependencies[0]!r}: this version of capsule cannot "
            "install packages yet",
            hint="put pure-Python modules next to the task file",
        )
