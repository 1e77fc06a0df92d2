"""What travels to the nodes of a batch: the task as an artifact, and what its caller allows it.

All of it is bytes and JSON: no class of ours is pickled, so that two versions of capsule can tell
each other that they are two. What the caller says is settled here, on the caller's machine, and a
node that comes to anything else does not run it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import __version__
from capsule.errors import UsageError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.policy.project import Ceiling, Limits
from capsule.policy.resolve import CallerLimits, Grants
from capsule.policy.secret_rules import SecretRule
from capsule.progress import Silent
from capsule.runner import build_artifact, prepare
from capsule.snapshot import cache
from capsule.toolstore.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from capsule.pool.prepared_task import PreparedTask
    from capsule.process.cancel import Cancellation
    from capsule.runner.run import Order
    from capsule.sdk.engine import BatchRequest
    from capsule.snapshot.cache import Facts

# Of what a node is told; one that knows another says so.
FORMAT = 2
STORE = "artifacts"
FILE = "task.wasm"


class Job(NamedTuple):
    """A task on its way to nodes: `settings` is JSON, `artifact` what `build --export` writes.

    `task` is its name, and `ram` the most memory that a run of it has, in bytes, None for no limit.
    """

    settings: bytes
    artifact: bytes
    task: str
    ram: int | None

    def __repr__(self) -> str:
        return f"Job({self.task!r}, {len(self.artifact):,} bytes)"  # settings may hold secrets


class NodeOptions(NamedTuple):
    """What an engine says of its nodes: where they keep state, and what a toolchain is made from.

    Both are paths there; None for what a node takes by itself.
    """

    home: str | None = None
    toolchain: str | None = None


def job_of(asked: BatchRequest, node: NodeOptions, cancellation: Cancellation) -> Job:
    """Settle what a batch needs on other machines.

    Raises `UsageError` for what cannot travel: folders and files of this machine.
    """
    prepared, call = asked.prepared, asked.call
    source = prepared.source
    order = prepare.renewed(prepared.order, source.project, call)
    _check_files(order, call)
    if source.script:
        raise UsageError(
            "a source that is run as a program does not travel over an engine",
            hint="a function main in it, which is called with each item",
        )
    artifact = _artifact_of(prepared, cancellation)
    hidden = {secret.name for secret in order.secrets}
    valueless = {name for job in order.jobs.values() for name in job.policy.secrets} - hidden
    settings = {
        "format": FORMAT,
        "capsule": __version__,
        "artifact": sha256(artifact),
        "named": source.named or source.declarations.filename,
        "task": source.task,
        "home": node.home,
        "toolchain": node.toolchain,
        "limits": list(call.limits),
        "grants": [list(call.grants.hosts), list(call.grants.variables)],
        "ceilings": [
            [str(each.config), str(each.root), list(each.limits._replace(allowed_files=None))]
            for each in source.project.ceilings
        ],
        "environ": _variables(order, hidden),
        "secrets": [[each.name, each.value, list(each.hosts)] for each in order.secrets],
        "policies": policies_of(order, frozenset(valueless)),
        "valueless": sorted(valueless),
    }
    text = json.dumps(settings, sort_keys=True).encode()
    return Job(text, artifact, order.policy.task, order.policy.ram)


def policies_of(order: Order, valueless: frozenset[str]) -> dict[str, list[Any]]:
    """Return what each task may do, as JSON that two machines can compare.

    Names in `valueless` are of secrets that have no value: no task sees anything of them.
    """
    return {
        name: [
            job.policy.compute,
            job.policy.ram,
            job.policy.timeout_ms,
            job.policy.max_retries,
            [grant.guest for grant in job.policy.allowed_files],
            sorted(job.policy.allowed_hosts),
            sorted(set(job.policy.variables) - valueless),
            [list(patterns) for patterns in job.policy.host_ceilings],
        ]
        for name, job in sorted(order.jobs.items())
    }


def limits_from(settings: Mapping[str, Any]) -> CallerLimits:
    """Return the limits that the caller set."""
    said = CallerLimits(*settings["limits"])
    return said._replace(raises=tuple(said.raises))


def grants_from(settings: Mapping[str, Any]) -> Grants:
    """Return what the caller grants a source that is the caller's own words."""
    hosts, variables = settings["grants"]
    return Grants(tuple(hosts), tuple(variables))


def ceilings_from(settings: Mapping[str, Any]) -> tuple[Ceiling, ...]:
    """Return the ceilings of the caller's files, by the names that they have there."""
    found = []
    for config, root, said in settings["ceilings"]:
        values: list[Any] = [tuple(each) if isinstance(each, list) else each for each in said]
        found.append(Ceiling(Path(config), Path(root), Limits(*values)))
    return tuple(found)


def secrets_from(settings: Mapping[str, Any], folder: Path) -> tuple[SecretRule, ...]:
    """Return the secrets of the caller, with their values."""
    return tuple(
        SecretRule(name, tuple(hosts), name, folder, value=value)
        for name, value, hosts in settings["secrets"]
    )


def _check_files(order: Order, call: prepare.Call) -> None:
    """Refuse folders and files of this machine. Raises `UsageError`."""
    for rule in call.mounts:
        raise UsageError(
            f"the mount {shown(str(rule))} is on this machine, and does not travel over an engine",
            hint="files= of map, its content in the item, or no such mount",
        )
    for name, job in order.jobs.items():
        for grant in job.policy.allowed_files:
            raise UsageError(
                f"task {name!r}: the folder .{grant.guest} of allowed_files is on this machine, and"
                " does not travel over an engine",
                hint="files= of map, its content in the item, or no_files in limits (--no-files)",
            )


def _variables(order: Order, hidden: set[str]) -> dict[str, str]:
    """Return the values of all variables that any of its tasks sees, without secrets."""
    found: dict[str, str] = {}
    for job in order.jobs.values():
        found |= {name: value for name, value in job.env.items() if name not in hidden}
    return found


def _artifact_of(prepared: PreparedTask, cancellation: Cancellation) -> bytes:
    """Return the artifact of a task: what was exported of it before, if that is still here."""
    source, inputs, home = prepared.source, prepared.order.inputs, prepared.order.inputs.home
    if source.artifact is not None:
        return source.artifact.contents.read_bytes()
    base, code = inputs.base, inputs.code
    settled = repr(build_artifact.settled(source)).encode()
    key = cache.key(
        *(__version__.encode(), base.runtime.key.encode(), base.runtime.flavour.encode()),
        *(code.digest.encode(), code.packages_digest.encode(), settled),
    )

    def make(folder: Path) -> Facts:
        built = build_artifact.build(source, home, Silent(), cancellation)
        content = build_artifact.export(source, built)
        write(folder / FILE, content)
        return {"size": len(content)}

    entry = cache.obtain(home / "cache" / STORE, key, make, Silent())
    return (entry.folder / FILE).read_bytes()


def write(path: Path, content: bytes) -> None:
    """Write a file that is for this user alone."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
