"""What a file asks for and what it would get here, and by whose word: before anything runs."""

from __future__ import annotations

from types import MappingProxyType

from capsule.errors import CapsuleError
from capsule.message_text import listed, shown
from capsule.namedtuples import NamedTuple
from capsule.policy.ceilings import name_of
from capsule.policy.folders import is_inside
from capsule.policy.options import Options, overlay, parse_options, written
from capsule.policy.project import CONFIG_NAME
from capsule.policy.resolve import resolve, resolve_all
from capsule.policy.units import format_compute, format_ram, format_timeout
from capsule.runner import parse_cache
from capsule.runner.environment import places_of
from capsule.runner.prepare import grants_of, secret_rules
from capsule.runner.source import entry_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from capsule.policy.declaration_types import TaskDeclaration
    from capsule.policy.folders import FolderGrant
    from capsule.policy.limit_origins import LimitOrigin
    from capsule.policy.project import Project
    from capsule.policy.resolve import Policy
    from capsule.runner.prepare import Call
    from capsule.runner.source import Source

# What a file can ask for beside amounts.
_GRANTS = ("allowed_files", "allowed_hosts", "env_variables")
# How many names the line of the first run has: it is one line, and inspect lists them all.
_MOST_NAMES = 6
_WORDS = {
    "task": "the task",
    "nobody": "by default",
    "flag": "your option",
    "caller": "the caller",
}


class Right(NamedTuple):
    """One option of a task: what the file asks for, what it gets here, and by whose word.

    `asks` is None where the file is silent; both are in the words of the option. Of a task that is
    refused, `gets` is None and `by` is who asks.
    """

    option: str
    asks: Any
    gets: Any
    by: str


class TaskRights(NamedTuple):
    """What one task would get; `refused` says why it could not run at all.

    `places` is where each variable that it gets is set, and never its value.
    """

    task: str
    line: int
    is_entry: bool
    rights: tuple[Right, ...]
    refused: str | None = None
    places: Mapping[str, str] = MappingProxyType({})


class Inspection(NamedTuple):
    """What a file asks for: see the module. `ceilings` are the files of [limits] that hold."""

    file: str
    project: str
    config: str | None
    ceilings: tuple[str, ...]
    dependencies: tuple[str, ...]
    tasks: tuple[TaskRights, ...]


def inspect(source: Source, call: Call, home: Path) -> Inspection:
    """Return what the tasks of a source ask for and would get, if it were run with `call`.

    Raises `CapsuleError` when the file has no task that could run.
    """
    project = source.project._replace(state=home)
    entry = entry_of(source)
    declared = {task.name: task for task in source.declarations.tasks} | {entry.name: entry}
    return Inspection(
        source.named or "-",
        str(project.root),
        None if project.config is None else str(project.config),
        tuple(map(name_of, project.ceilings)),
        source.bundle.dependencies,
        tuple(_rights(task, project, call, is_entry=task is entry) for task in declared.values()),
    )


def first_grants(source: Source, call: Call, home: Path) -> str | None:
    """Return what a file is granted by its own word, in short, the first time that it is run.

    None where it asks for nothing, where somebody has set ceilings for all kinds of what it asks
    for, and from the second time on.
    """
    # A stranger's own capsule.toml may hold ceilings too, and those of other kinds say nothing.
    bounded = [limits for _, _, limits in source.project.ceilings]
    kinds = [kind for kind in _GRANTS if all(getattr(each, kind) is None for each in bounded)]
    if not _asks(source, kinds):
        return None
    project = source.project._replace(state=home)
    policies = resolve_all(
        source.declarations, project, call.limits, call.mounts, grants_of(call, project)
    )
    mounted = {mount.guest for mount in call.mounts}
    words = _summary(policies.values(), project.root, mounted, kinds)
    key = parse_cache.key("granted", source.bundle.digest.encode(), repr(words).encode())
    if not words or parse_cache.recall(home, key) is not None:
        return None
    parse_cache.keep(home, key, {"granted": words})
    more = [f"and {len(words) - _MOST_NAMES} more"] if len(words) > _MOST_NAMES else []
    return ", ".join([*words[:_MOST_NAMES], *more])


def _asks(source: Source, kinds: Sequence[str]) -> bool:
    declarations, defaults = source.declarations, source.project.defaults
    by_default = any(getattr(defaults, option) for option in kinds)
    return by_default or any(task.options.get(o) for task in declarations.tasks for o in kinds)


def _summary(
    policies: Iterable[Policy], root: Path, mounted: set[str], kinds: Sequence[str]
) -> list[str]:
    """Return what the policies give of some kinds beside what the caller mounted, in words."""
    found: dict[str, None] = {}
    for policy in policies:
        own = [grant for grant in policy.allowed_files if grant.guest not in mounted]
        words = {
            "allowed_files": [_folder(grant, root) for grant in own],
            "allowed_hosts": policy.allowed_hosts,
            "env_variables": [f"${name}" for name in policy.env_variables],
        }
        for kind in kinds:
            found |= dict.fromkeys(words[kind])
    return list(found)


def _rights(task: TaskDeclaration, project: Project, call: Call, *, is_entry: bool) -> TaskRights:
    try:
        own = parse_options(task.options, task.blame)
        policy = resolve(task, project, call.limits, call.mounts, grants_of(call, project))
        places = places_of(policy.env_variables, project.root, call.environ)
        secrets = _secrets(policy, project, call, places)
    except CapsuleError as error:
        asked = _readable(task, project)
        asks = tuple(
            Right(option, asked.get(option), None, _asker(option, asked, task, project))
            for option in Options._fields
        )
        return TaskRights(task.name, task.line, is_entry, asks, error.message)
    asked = _worded(overlay(own, project.defaults))
    rights = (
        *_amounts(task, asked, policy, project, call),
        *_lists(task, asked, policy, project, call),
        *secrets,
    )
    return TaskRights(task.name, task.line, is_entry, rights, places=places)


def _secrets(
    policy: Policy, project: Project, call: Call, places: dict[str, str]
) -> tuple[Right, ...]:
    """Return what a task may use without reading it, if anything; no file asks for that.

    Where the value of each is set is added to `places`.
    """
    if not policy.secrets:
        return ()
    from capsule.runner import secret_values  # most have none

    rules = secret_rules(call, project)
    places |= secret_values.places_of(rules, call.environ)
    said = {
        f"[secrets] of {rule.folder / CONFIG_NAME}" if rule.is_optional else "the caller"
        for rule in rules
    }
    gets = [{"name": rule.name, "hosts": list(rule.hosts)} for rule in rules]
    return (Right("secrets", None, gets, ", and ".join(sorted(said))),)


def _readable(task: TaskDeclaration, project: Project) -> dict[str, Any]:
    """Return what a task asks for, each option on its own; what is wrong stands as it was said."""
    asked = _worded(project.defaults)
    for option, value in task.options.items():
        try:
            asked |= _worded(parse_options({option: value}, task.blame))
        except CapsuleError:
            asked[option] = shown(value)
    return asked


def _worded(options: Options) -> dict[str, Any]:
    """Return what options say, in the words of what a task gets."""
    found = written(options)
    if options.compute:
        found["compute"] = format_compute(options.compute)
    if options.ram:
        found["ram"] = format_ram(options.ram)
    return found


def _amounts(
    task: TaskDeclaration, asked: Mapping[str, Any], policy: Policy, project: Project, call: Call
) -> tuple[Right, ...]:
    origins = policy.origins
    ram = None if policy.ram is None else format_ram(policy.ram)
    timeout = None if policy.timeout_ms is None else format_timeout(policy.timeout_ms)
    untrusted = _untrusted(project, call)

    def by(origin: LimitOrigin) -> str:
        if origin.file:
            return f"[limits] of {origin.file}"
        if origin.who == "defaults":
            return f"[tasks] of {project.config}"
        return untrusted if origin.who == "untrusted" else _WORDS[origin.who]

    compute, retries = asked.get("compute"), asked.get("max_retries")
    by_retries = _asker("max_retries", asked, task, project)
    if retries and not policy.max_retries:
        by_retries = untrusted  # nothing else takes them
    return (
        Right("compute", compute, format_compute(policy.compute), by(origins.compute)),
        Right("ram", asked.get("ram"), ram, by(origins.ram)),
        Right("timeout", asked.get("timeout"), timeout, by(origins.timeout)),
        Right("max_retries", retries, policy.max_retries, by_retries),
    )


def _lists(
    task: TaskDeclaration,
    asked: Mapping[str, Any],
    policy: Policy,
    project: Project,
    call: Call,
) -> tuple[Right, ...]:
    limits, untrusted = call.limits, _untrusted(project, call)
    gets: dict[str, list[Any]] = {
        "allowed_files": [_folder(grant, project.root) for grant in policy.allowed_files],
        "allowed_hosts": list(policy.allowed_hosts),
        "env_variables": list(policy.env_variables),
    }
    taken = {
        "allowed_files": "--no-files" if limits.no_files else "",
        "allowed_hosts": "--no-net" if limits.no_net else "",
        "env_variables": "--no-env" if limits.no_env else "",
    }
    found = []
    for option, granted in gets.items():
        asks = asked.get(option)
        words = [_asker(option, asked, task, project)] if asks else []
        if asks and untrusted:
            words = [untrusted]
        if option == "allowed_files" and call.mounts:
            words.append("the caller's mounts")
        by = taken[option] or ", and ".join(words) or "by default"
        found.append(Right(option, asks, granted, by))
    return tuple(found)


def _untrusted(project: Project, call: Call) -> str:
    """Return by whose word the file is untrusted, empty where it is not."""
    if call.limits.untrusted:
        return "untrusted"
    said = [one for one in project.ceilings if one.limits.untrusted]
    return f"untrusted, by [limits] of {name_of(said[0])}" if said else ""


def _asker(option: str, asked: Mapping[str, Any], task: TaskDeclaration, project: Project) -> str:
    """Return whose word an option is."""
    if asked.get(option) is None:
        return "by default"
    return "the task" if option in task.options else f"[tasks] of {project.config}"


def _folder(grant: FolderGrant, root: Path) -> str:
    """Return a folder in words: where it is, its name inside if that is another, and its mode."""
    place, host = f".{grant.guest}", str(grant.host)
    if is_inside(grant.host, root):
        host = "/".join((".", *grant.host.relative_to(root).parts))
    named = listed(place) if host == place else f"{listed(host)} as {listed(place)}"
    return f"{named} ({'read-write' if grant.writable else 'read-only'})"
