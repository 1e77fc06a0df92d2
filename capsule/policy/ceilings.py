"""What [limits] of capsule.toml allows: each check names the value and the ceiling it is above."""

from __future__ import annotations

from capsule.message_text import printable, shown
from capsule.namedtuples import NamedTuple
from capsule.policy.folders import is_inside, real_path
from capsule.policy.hosts import covers, is_private, split_port
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.limit_origins import Amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from capsule.policy.folders import FolderGrant
    from capsule.policy.project import Ceiling


def check_amount(
    amount: int | None, ceilings: Sequence[Ceiling], key: str, written: Callable[[int], str]
) -> None:
    """Refuse an amount above a ceiling that `key` sets; `written` turns amounts into words."""
    for ceiling in ceilings:
        most: int | None = getattr(ceiling.limits, key)
        if amount is not None and most is not None and amount > most:
            raise InvalidValueError(
                shown(written(amount)),
                "is above the ceiling",
                f"at most {shown(written(most))} ({_source(key, ceiling)})",
            )


def check_untrusted(amount: int, most: int | None, written: Callable[[int], str]) -> None:
    """Refuse an amount above what a run that is untrusted may have; None is no bound."""
    if most is not None and amount > most:
        allowed = f"at most {shown(written(most))} (of a run that is untrusted)"
        raise InvalidValueError(shown(written(amount)), "is above the ceiling", allowed)


def check_folders(grants: Iterable[FolderGrant], ceilings: Sequence[Ceiling]) -> None:
    """Refuse a folder that is in none of the allowed ones, or writable in a read-only one."""
    granted = tuple(grants)
    for ceiling in ceilings:
        rules = ceiling.limits.allowed_files
        if rules is None:
            continue
        allowed = [(rule, real_path(rule, ceiling.root)) for rule in rules]
        for grant in granted:
            folder = shown(f".{grant.guest}")
            around = [rule for rule, place in allowed if is_inside(grant.host, place)]
            if not around:
                listed = _listed("folders inside", map(str, rules), "allowed_files", ceiling)
                raise InvalidValueError(folder, "is above the ceiling", listed)
            if grant.writable and not any(rule.writable for rule in around):
                raise InvalidValueError(
                    folder,
                    "is writable, which is above the ceiling",
                    _listed("read-only", map(str, around), "allowed_files", ceiling),
                    hint=f'{{"path": {folder}, "mode": "read-only"}}',
                )


def check_hosts(hosts: Sequence[str], ceilings: Sequence[Ceiling]) -> None:
    """Refuse a host pattern that no pattern of a ceiling covers."""
    for ceiling in ceilings:
        allowed = ceiling.limits.allowed_hosts
        for host in hosts if allowed is not None else ():
            if not any(covers(outer, host) for outer in allowed or ()):
                listed = _listed("within", allowed or (), "allowed_hosts", ceiling)
                raise InvalidValueError(shown(host), _above(host, allowed or ()), listed)


def _above(host: str, allowed: Sequence[str]) -> str:
    starred = any(split_port(pattern)[0] == "*" for pattern in allowed)
    if starred and is_private(split_port(host)[0]):
        return 'is above the ceiling ("*" means public addresses only; others have to be named)'
    return "is above the ceiling"


def check_variables(names: Sequence[str], ceilings: Sequence[Ceiling]) -> None:
    """Refuse a variable that a ceiling does not name."""
    for ceiling in ceilings:
        allowed = ceiling.limits.env_variables
        for name in names if allowed is not None else ():
            if name not in (allowed or ()):
                listed = _listed("one of", allowed or (), "env_variables", ceiling)
                raise InvalidValueError(shown(name), "is above the ceiling", listed)


def least(ceilings: Sequence[Ceiling], key: str) -> Amount:
    """Return the lowest ceiling that `key` sets, and the file that says so."""
    said = [
        Amount(amount, "ceiling", name_of(ceiling))
        for ceiling in ceilings
        if (amount := getattr(ceiling.limits, key)) is not None
    ]
    return min(said, key=lambda one: one.value or 0, default=Amount(None, "ceiling"))


class RunLimits(NamedTuple):
    """What bounds a run with all its tasks; `file` is the capsule.toml that says so first.

    `compute` is in fuel units, `timeout_ms` in milliseconds; None is no bound.
    """

    compute: int | None = None
    tasks: int | None = None
    timeout_ms: int | None = None
    file: str = ""


def run_limits(ceilings: Sequence[Ceiling]) -> RunLimits:
    """Return the tightest bounds on a run that the ceilings set."""
    compute, tasks, timeout = (
        least(ceilings, key) for key in ("run_compute", "run_tasks", "run_timeout")
    )
    file = compute.file or timeout.file or tasks.file
    return RunLimits(compute.value, tasks.value, timeout.value, file)


def name_of(ceiling: Ceiling) -> str:
    """Return the path of a ceiling's file, as messages show it."""
    return printable(str(ceiling.config))


def _source(key: str, ceiling: Ceiling) -> str:
    return f"{key} in [limits] of {name_of(ceiling)}"


def _listed(relation: str, items: Iterable[str], key: str, ceiling: Ceiling) -> str:
    source, named = _source(key, ceiling), tuple(items)
    if not named:
        return f"none ({source} is empty)"
    first = ", ".join(shown(item) for item in named[:5])
    return f"{relation} {first}{', ...' if len(named) > 5 else ''} ({source})"
