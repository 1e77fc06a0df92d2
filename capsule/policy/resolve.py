"""The one place where a task's policy is made: what it asks for, within what it may have.

A task's own options win over the defaults of capsule.toml. Nothing may be above a ceiling: that is
an error, not a silent narrowing. The caller's limits narrow what is left, and never fail.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from capsule.errors import PolicyError, UsageError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.policy.ceilings import (
    check_amount,
    check_folders,
    check_hosts,
    check_untrusted,
    check_variables,
    least,
    name_of,
    run_limits,
)
from capsule.policy.config import blame_key
from capsule.policy.folders import FolderGrant, combine, ground
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.limit_origins import Amount, Denials, LimitOrigin, LimitOrigins, tightest
from capsule.policy.options import UNSET, Options, amounts, overlay, parse_options
from capsule.policy.project import CONFIG_NAME
from capsule.policy.protected_paths import check_hidden, check_own, check_state
from capsule.policy.units import DEFAULT_COMPUTE, format_compute, format_ram, format_timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capsule.policy.declaration_types import Declarations, TaskDeclaration
    from capsule.policy.limit_origins import Who
    from capsule.policy.mounts import MountRule
    from capsule.policy.project import Ceiling, Project


class CallerLimits(NamedTuple):
    """What the caller of a run allows at most; `None` is no limit.

    `max_fuel` is in fuel units, `max_ram` in bytes, `timeout_ms` in milliseconds. `untrusted` takes
    away all that a file asks for and narrows what is left. `flags` is whether they were said as
    options of the command, for messages. `raises` names the options (`compute`, `ram`, `timeout`)
    whose amount is set here in place of what the task says, up to the ceilings.
    """

    max_fuel: int | None = None
    max_ram: int | None = None
    timeout_ms: int | None = None
    no_net: bool = False
    no_files: bool = False
    no_env: bool = False
    untrusted: bool = False
    flags: bool = False
    raises: tuple[str, ...] = ()


def narrowed(one: CallerLimits, other: CallerLimits) -> CallerLimits:
    """Return what both allow; the words for it are those of the first."""

    def least(name: str) -> int | None:
        known = [each for each in (getattr(one, name), getattr(other, name)) if each is not None]
        return min(known, default=None)

    return one._replace(
        max_fuel=least("max_fuel"),
        max_ram=least("max_ram"),
        timeout_ms=least("timeout_ms"),
        no_net=one.no_net or other.no_net,
        no_files=one.no_files or other.no_files,
        no_env=one.no_env or other.no_env,
        untrusted=one.untrusted or other.untrusted,
    )


class Grants(NamedTuple):
    """What the caller grants a source that is the caller's own words, beside what it asks for.

    `secrets` are names of those that any source may use.
    """

    hosts: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


UNLIMITED, NO_GRANTS = CallerLimits(), Grants()
# What a file gets at most that nobody trusts; see SPEC, "Command line".
UNTRUSTED_RAM, UNTRUSTED_TIMEOUT_MS = 512 << 20, 30_000
_BUILT_IN = Options(compute=DEFAULT_COMPUTE)
# Of each option: its field in `CallerLimits`, what a program calls it, and what a run that is
# untrusted may have.
_SET_BY_CALL = {
    "compute": ("max_fuel", "max_fuel", None),
    "ram": ("max_ram", "max_ram", UNTRUSTED_RAM),
    "timeout": ("timeout_ms", "timeout", UNTRUSTED_TIMEOUT_MS),
}
_FORMATS = {"compute": format_compute, "ram": format_ram, "timeout": format_timeout}


class Policy(NamedTuple):
    """Everything a task may do, fixed before any argument arrives.

    `compute` is in fuel units, `ram` in bytes and `timeout_ms` in milliseconds (`None`: unlimited).
    `host_ceilings` are the patterns of each [limits]: whether a name is within them depends on its
    addresses too, which are known when it is asked for. `origins` says who set the amounts.
    `secrets` are names of variables that it sees a placeholder in.
    """

    task: str
    compute: int
    ram: int | None
    timeout_ms: int | None
    max_retries: int
    allowed_files: tuple[FolderGrant, ...]
    allowed_hosts: tuple[str, ...]
    env_variables: tuple[str, ...]
    host_ceilings: tuple[tuple[str, ...], ...] = ()
    origins: LimitOrigins = LimitOrigins()
    secrets: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of all variables that the task sees."""
        return (*self.env_variables, *self.secrets)


def resolve(
    task: TaskDeclaration,
    project: Project,
    caller: CallerLimits = UNLIMITED,
    mounts: Sequence[MountRule] = (),
    grants: Grants = NO_GRANTS,
) -> Policy:
    """Return the policy of one task.

    `mounts` are what the caller adds; one at the same place as a folder of the task replaces it
    before that is looked at. Ceilings bound task files, and do not apply to them. They
    do to `grants`, which are added to what the task asks for.

    Raises `PolicyError` when a task's option is wrong or above a ceiling, `ConfigError` when a
    default of capsule.toml is, and `UsageError` when a mount or a grant is.
    """
    own = parse_options(task.options, task.blame)
    asked, ceilings = overlay(own, project.defaults), project.ceilings
    untrusted = caller.untrusted or any(ceiling.limits.untrusted for ceiling in ceilings)
    if untrusted:
        # Less than it asks for is no error then: it need not even be within the ceilings.
        asked = asked._replace(allowed_files=(), allowed_hosts=(), env_variables=())

    @contextmanager
    def blaming(option: str) -> Iterator[None]:
        """Say whose option is wrong: the task's, or a default of the project."""
        try:
            yield
        except InvalidValueError as wrong:
            if option in task.options:
                raise task.blame(option, wrong) from None
            config = project.config or Path(CONFIG_NAME)
            raise blame_key(config, "tasks", f"default_{option}", wrong) from None

    hosts, variables = asked.allowed_hosts or (), asked.env_variables or ()
    _check_raised(caller, ceilings, untrusted=untrusted)
    if not untrusted:
        for option, form in _FORMATS.items():
            with blaming(option):
                check_amount(getattr(asked, option), ceilings, f"max_{option}", form)
    with blaming("allowed_hosts"):
        check_hosts(hosts, ceilings)
    with blaming("env_variables"):
        check_variables(variables, ceilings)
    if grants.hosts or grants.variables:
        hosts, variables = _with_grants(hosts, variables, grants, ceilings)
    folders: tuple[FolderGrant, ...] = ()
    # Folders that the caller hides are not looked for either.
    if not caller.no_files:
        added = _mounted(mounts, project)
        # What the caller grants is settled: following the hint of a refusal must end it.
        replaced = {grant.guest for grant in added}
        rules = [rule for rule in asked.allowed_files or () if rule.guest not in replaced]
        with blaming("allowed_files"):
            found = [ground(rule, project.root) for rule in rules]
            check_folders(found, ceilings)
            # First what no mount could grant either.
            check_state(found, project.state)
            check_hidden(found, project.root, added)
            configs = (ceiling.config for ceiling in ceilings)
            check_own(found, (project.root, *project.own, *configs))
            folders = combine(found)
        folders = _joined(folders, added)
    # What the task leaves open gives way to a ceiling; so does the built-in default of compute.
    said = overlay(amounts(asked), _BUILT_IN)

    def tightest_of(
        option: str, key: str, called: int | None, most: int | None = None
    ) -> tuple[int | None, LimitOrigin]:
        who: Who = "defaults" if getattr(project.defaults, option) is not None else "nobody"
        if getattr(own, option) is not None:
            who = "nobody" if getattr(own, option) == UNSET else "task"
        return tightest(
            Amount(None if option in caller.raises else getattr(said, option), who),
            Amount(most if untrusted else None, "untrusted"),
            least(ceilings, key),
            Amount(called, "flag" if caller.flags else "caller"),
        )

    compute, compute_origin = tightest_of("compute", "max_compute", caller.max_fuel)
    ram, ram_origin = tightest_of("ram", "max_ram", caller.max_ram, UNTRUSTED_RAM)
    timeout, timeout_origin = tightest_of(
        "timeout", "max_timeout", caller.timeout_ms, UNTRUSTED_TIMEOUT_MS
    )
    return Policy(
        task=task.name,
        compute=DEFAULT_COMPUTE if compute is None else compute,
        ram=ram,
        timeout_ms=timeout,
        # Each attempt has the time of one, so that a hundred of them would take an hour.
        max_retries=0 if untrusted else asked.max_retries or 0,
        allowed_files=folders,
        allowed_hosts=() if caller.no_net else hosts,
        # What the caller hides is not shown for the file's asking.
        env_variables=()
        if caller.no_env
        else tuple(name for name in variables if name not in grants.secrets),
        secrets=() if caller.no_env else grants.secrets,
        host_ceilings=tuple(
            allowed for ceiling in ceilings if (allowed := ceiling.limits.allowed_hosts) is not None
        ),
        origins=LimitOrigins(
            compute_origin,
            ram_origin,
            timeout_origin,
            run_limits(ceilings).file,
            _denials(overlay(own, project.defaults), caller, ceilings),
        ),
    )


def _check_raised(caller: CallerLimits, ceilings: Sequence[Ceiling], *, untrusted: bool) -> None:
    """Refuse what a call sets above a ceiling, or above what one that is untrusted may have."""
    for option in caller.raises:
        field, called, most = _SET_BY_CALL[option]
        amount, written = getattr(caller, field), _FORMATS[option]
        try:
            check_amount(amount, ceilings, f"max_{option}", written)
            if untrusted:
                check_untrusted(amount, most, written)
        except InvalidValueError as wrong:
            raise PolicyError(f"limits: {called}: {wrong.message}", hint=wrong.hint) from None


def _denials(asked: Options, caller: CallerLimits, ceilings: Sequence[Ceiling]) -> Denials:
    """Return by whose word a task lacks what it asks for."""
    untrusting = [name_of(one) for one in ceilings if one.limits.untrusted]

    def by(option: str, *, taken: bool) -> str:
        if not (taken or caller.untrusted):
            return f"untrusted = true in [limits] of {untrusting[0]}" if untrusting else ""
        option = option if taken else "untrusted"
        return f"--{option.replace('_', '-')}" if caller.flags else f"the caller's {option}"

    variables = by("no_env", taken=caller.no_env) if asked.env_variables else ""
    return Denials(
        by("no_files", taken=caller.no_files) if asked.allowed_files else "",
        by("no_net", taken=caller.no_net) if asked.allowed_hosts else "",
        variables,
        asked.env_variables or () if variables else (),
    )


def resolve_all(
    declarations: Declarations,
    project: Project,
    caller: CallerLimits = UNLIMITED,
    mounts: Sequence[MountRule] = (),
    grants: Grants = NO_GRANTS,
) -> dict[str, Policy]:
    """Return the policy of every task that a run of the file can reach, by task name.

    That is every declared task, and the plain `main` where it is the entry point. Raises as
    `resolve` does: one wrong task stops the run before anything of it has started. Also raises
    `PolicyError` for a module's task that has the name of the plain `main`, which would run under
    the policy of that one.
    """
    tasks = {task.name: task for task in declarations.tasks}
    if (plain := declarations.plain_main) is not None:
        known = tasks.setdefault(plain.name, plain)
        if known.module:
            raise PolicyError(
                f"{known.filename}:{known.line}: the task {shown(known.name)} has the name of the"
                f" function {plain.function} in {plain.filename}:{plain.line}",
                hint="name= for the task, or @task on the function",
            )
    return {name: resolve(task, project, caller, mounts, grants) for name, task in tasks.items()}


def _with_grants(
    hosts: tuple[str, ...],
    variables: tuple[str, ...],
    grants: Grants,
    ceilings: Sequence[Ceiling],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a task's hosts and variables with those that the caller grants."""
    option = "--allow-host"
    try:
        check_hosts(grants.hosts, ceilings)
        option = "--env"
        check_variables(grants.variables, ceilings)
    except InvalidValueError as wrong:
        raise UsageError(f"{option}: {wrong.message}", hint=wrong.hint) from None
    return (
        tuple(dict.fromkeys((*hosts, *grants.hosts))),
        tuple(dict.fromkeys((*variables, *grants.variables))),
    )


def _mounted(mounts: Sequence[MountRule], project: Project) -> list[FolderGrant]:
    """Return the folders and files that the caller adds."""
    if not mounts:
        return []
    from capsule.policy.mounts import ground_mount  # a later start of many has none

    try:
        added = [ground_mount(rule) for rule in mounts]
        check_state(added, project.state)
    except InvalidValueError as wrong:
        raise _wrong_mount(wrong) from None
    return added


def _joined(folders: tuple[FolderGrant, ...], added: list[FolderGrant]) -> tuple[FolderGrant, ...]:
    """Return a task's folders and the caller's, none of which are at the same path inside."""
    if not added:
        return folders
    from capsule.policy.mounts import check_places

    try:
        check_places([*added, *folders])
        return combine([*added, *folders])
    except InvalidValueError as wrong:
        raise _wrong_mount(wrong) from None


def _wrong_mount(wrong: InvalidValueError) -> UsageError:
    return UsageError(f"mount: {wrong.message}", hint=wrong.hint)
