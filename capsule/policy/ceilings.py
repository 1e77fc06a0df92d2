"""What [limits] of capsule.toml allows: each check names the value and the ceiling it is above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.message_text import shown
from capsule.policy.folders import is_inside, real_path
from capsule.policy.hosts import covers
from capsule.policy.invalid_value import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from capsule.policy.folders import FolderGrant, FolderRule


def check_amount(
    amount: int | None, ceiling: int | None, key: str, written: Callable[[int], str]
) -> None:
    """Refuse an amount above the ceiling that `key` sets; `written` turns amounts into words."""
    if amount is not None and ceiling is not None and amount > ceiling:
        raise InvalidValueError(
            shown(written(amount)),
            "is above the ceiling",
            f"at most {shown(written(ceiling))} ({key} in [limits] of capsule.toml)",
        )


def check_folders(
    grants: Iterable[FolderGrant], ceiling: Sequence[FolderRule] | None, root: Path
) -> None:
    """Refuse a folder that is in none of the allowed ones, or writable in a read-only one."""
    if ceiling is None:
        return
    allowed = [(rule, real_path(rule, root)) for rule in ceiling]
    for grant in grants:
        folder = shown(f".{grant.guest}")
        around = [rule for rule, place in allowed if is_inside(grant.host, place)]
        if not around:
            raise InvalidValueError(
                folder,
                "is above the ceiling",
                _listed("folders inside", [str(rule) for rule in ceiling], "allowed_files"),
            )
        if grant.writable and not any(rule.writable for rule in around):
            raise InvalidValueError(
                folder,
                "is writable, which is above the ceiling",
                _listed("read-only", [str(rule) for rule in around], "allowed_files"),
                hint=f'{{"path": {folder}, "mode": "read-only"}}',
            )


def check_hosts(hosts: Iterable[str], ceiling: Sequence[str] | None) -> None:
    """Refuse a host pattern that no pattern of the ceiling covers."""
    if ceiling is None:
        return
    for host in hosts:
        if not any(covers(outer, host) for outer in ceiling):
            raise InvalidValueError(
                shown(host), "is above the ceiling", _listed("within", ceiling, "allowed_hosts")
            )


def check_variables(names: Iterable[str], ceiling: Sequence[str] | None) -> None:
    """Refuse a variable that the ceiling does not name."""
    if ceiling is None:
        return
    for name in names:
        if name not in ceiling:
            raise InvalidValueError(
                shown(name), "is above the ceiling", _listed("one of", ceiling, "env_variables")
            )


def _listed(relation: str, items: Sequence[str], key: str) -> str:
    source = f"{key} in [limits] of capsule.toml"
    if not items:
        return f"none ({source} is empty)"
    first = ", ".join(shown(item) for item in items[:5])
    return f"{relation} {first}{', ...' if len(items) > 5 else ''} ({source})"
