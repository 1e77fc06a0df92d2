"""What a program allows a task at most, and the folders it adds, in the words of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.errors import UsageError
from capsule.named import NamedTuple
from capsule.policy import units
from capsule.policy.folders import parse_folder, parse_mount
from capsule.policy.resolve import CallerLimits
from capsule.policy.values import InvalidValueError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from capsule.policy.folders import FolderRule

    Mount: TypeAlias = str | Mapping[str, str]
    """A folder: `"HOST[::GUEST][:ro|:rw]"`, or `{"path": "./data", "mode": "read-only"}`."""


class Limits(NamedTuple):
    """What a run may use at most; it only narrows what the task's own policy says.

    `max_fuel` is a level or units (`"LOW"`, `10**9`), `max_ram` a size (`"256MB"`), `timeout` a
    duration (`"30s"`); None leaves it to the task. `no_net` takes all hosts away, `no_files` all
    folders.

    >>> Limits(timeout="5s", no_net=True).timeout
    '5s'
    """

    max_fuel: str | int | None = None
    max_ram: str | None = None
    timeout: str | None = None
    no_net: bool = False
    no_files: bool = False


def caller_limits(limits: Limits | Mapping[str, object] | None) -> CallerLimits:
    """Return the limits as policies take them.

    Raises `UsageError` for a name or a value that is none.
    """
    said = _named(limits)
    return CallerLimits(
        max_fuel=_amount("max_fuel", said.max_fuel, units.parse_compute),
        max_ram=_amount("max_ram", said.max_ram, units.parse_ram),
        timeout_ms=_amount("timeout", said.timeout, units.parse_timeout),
        no_net=bool(said.no_net),
        no_files=bool(said.no_files),
    )


def mount_rules(mounts: Sequence[Mount]) -> tuple[FolderRule, ...]:
    """Return the folders that a program adds. Raises `UsageError` for one that is none."""
    if isinstance(mounts, str):
        raise UsageError(f"mounts={mounts!r}: a list of mounts is needed", hint=f"[{mounts!r}]")
    try:
        return tuple(
            parse_mount(mount) if isinstance(mount, str) else parse_folder(mount)
            for mount in mounts
        )
    except InvalidValueError as wrong:
        raise UsageError(f"mounts: {wrong.message}", hint=wrong.hint) from None


def _named(limits: Limits | Mapping[str, object] | None) -> Limits:
    if limits is None:
        return Limits()
    if isinstance(limits, Limits):
        return limits
    for name in limits:
        if name not in Limits._fields:
            raise UsageError(
                f"limits: there is no {name!r}; there are {', '.join(Limits._fields)}",
                hint=nearest(str(name), Limits._fields),
            )
    return Limits(**limits)  # type: ignore[arg-type]


def _amount(name: str, value: object, parse: Callable[[object], int]) -> int | None:
    if value is None:
        return None
    try:
        return parse(value)
    except InvalidValueError as wrong:
        raise UsageError(f"limits: {name}: {wrong.message}", hint=wrong.hint) from None
