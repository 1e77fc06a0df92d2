"""What a program allows a task at most, and the folders it adds, in the words of the command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from capsule.errors import UsageError
from capsule.message_text import nearest, shown
from capsule.namedtuples import NamedTuple
from capsule.policy import units
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.options import parse_hosts, parse_variables
from capsule.policy.resolve import CallerLimits, Grants, narrowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from capsule.policy.mounts import MountRule
    from capsule.policy.secret_rules import SecretRule, SecretsSaid

    Mount: TypeAlias = str | os.PathLike[str] | Mapping[str, str]
    """`"PATH[::GUEST][:ro|:rw]"`, or `{"path": "./data", "mode": "read-only"}`."""


class Limits(NamedTuple):
    """What a run may use at most; it only narrows what the task's own policy says.

    As the `limits` of `Sandbox.call` alone, its amounts may also be more than that, up to the
    ceilings of capsule.toml.

    `max_fuel` is a level or units (`"LOW"`, `10**9`), `max_ram` a size (`"256MB"`, or bytes),
    `timeout` a duration (`"30s"`); None leaves it to the task. `no_net` takes all hosts away,
    `no_files` all folders, `no_env` all variables. `untrusted` takes away whatever the file asks
    for, and leaves 512 MB and 30 s: for a file that nobody has read.

    >>> Limits(timeout="5s", no_net=True).timeout
    '5s'
    """

    max_fuel: str | int | None = None
    max_ram: str | int | None = None
    timeout: str | None = None
    no_net: bool = False
    no_files: bool = False
    no_env: bool = False
    untrusted: bool = False


def caller_limits(
    limits: Limits | Mapping[str, object] | None, *, flags: bool = False
) -> CallerLimits:
    """Return the limits as policies take them; `flags` is whether options of the command said them.

    Raises `UsageError` for a name or a value that is none.
    """
    said = _named(limits)

    def amount(name: str, parse: Callable[[object], int]) -> int | None:
        value = getattr(said, name)
        try:
            return None if value is None else parse(value)
        except InvalidValueError as wrong:
            called = f"--{name.replace('_', '-')}" if flags else f"limits: {name}"
            raise UsageError(f"{called}: {wrong.message}", hint=wrong.hint) from None

    def switch(name: str) -> bool:
        value = getattr(said, name)
        if not isinstance(value, bool):
            # What counts as false elsewhere would leave a stranger's file all that it asks for.
            raise UsageError(f"limits: {name}: {shown(value)} is no switch; allowed: true or false")
        return value

    return CallerLimits(
        max_fuel=amount("max_fuel", units.parse_compute),
        max_ram=amount("max_ram", units.parse_ram),
        timeout_ms=amount("timeout", units.parse_timeout),
        no_net=switch("no_net"),
        no_files=switch("no_files"),
        no_env=switch("no_env"),
        untrusted=switch("untrusted"),
        flags=flags,
    )


def limits_of_call(shared: CallerLimits, own: CallerLimits) -> CallerLimits:
    """Return the limits of a call that has some of its own, beside those that all calls share.

    An amount of its own is in place of the shared one, and of what the task says; what takes
    something away holds whoever says it.

    >>> found = limits_of_call(CallerLimits(max_ram=5, timeout_ms=7), CallerLimits(timeout_ms=9))
    >>> found.max_ram, found.timeout_ms, found.raises
    (5, 9, ('timeout',))
    """
    amounts = {"max_fuel": "compute", "max_ram": "ram", "timeout_ms": "timeout"}
    said = {name: getattr(own, name) for name in amounts if getattr(own, name) is not None}
    raises = tuple(amounts[name] for name in said)
    return narrowed(shared, own)._replace(**said, raises=raises)


def mount_rules(
    mounts: Sequence[Mount], working: Path, called: str = "mounts"
) -> tuple[MountRule, ...]:
    """Return what a program adds; `called` is what a message calls it.

    Relative paths are relative to `working`. Raises `UsageError` for one that is none.
    """
    if isinstance(mounts, (str, os.PathLike)):
        said = os.fspath(mounts)
        raise UsageError(f"{called}={said!r}: a list of mounts is needed", hint=f"[{said!r}]")
    if not isinstance(mounts, Iterable):
        raise UsageError(f"{called}={shown(mounts)}: a list of mounts is needed")
    try:
        return tuple(_mount(mount, working) for mount in mounts)
    except InvalidValueError as wrong:
        raise UsageError(f"{called}: {wrong.message}", hint=wrong.hint) from None


def caller_secrets(
    secrets: SecretsSaid | None, folder: Path, called: str = "secrets"
) -> tuple[SecretRule, ...]:
    """Return the secrets that a caller in `folder` gives; `called` is what a message calls them.

    Raises `UsageError` for what is none, which repeats no value.
    """
    if not secrets:
        return ()
    from capsule.policy.secret_rules import secret_rules  # most have none

    try:
        return secret_rules(secrets, folder)
    except InvalidValueError as wrong:
        raise UsageError(f"{called}: {wrong.message}", hint=wrong.hint) from None


def _mount(mount: object, working: Path) -> MountRule:
    # A later start of many has none.
    from capsule.policy.mounts import parse_mount, parse_mount_table

    if isinstance(mount, os.PathLike):
        mount = os.fspath(mount)
    if isinstance(mount, str):
        return parse_mount(mount, working)
    if isinstance(mount, Mapping):
        return parse_mount_table(mount, working)
    raise InvalidValueError(
        shown(mount), "is not a mount", '"./data" or {"path": "./data", "mode": "read-only"}'
    )


def caller_grants(hosts: Sequence[str], names: Sequence[str]) -> Grants:
    """Return what `--allow-host` and `--env` grant. Raises `UsageError` for what is none."""
    option = "--allow-host"
    try:
        granted = parse_hosts(list(hosts))
        option = "--env"
        return Grants(granted, parse_variables(list(names)))
    except InvalidValueError as wrong:
        raise UsageError(f"{option}: {wrong.message}", hint=wrong.hint) from None


def _named(limits: Limits | Mapping[str, object] | None) -> Limits:
    if limits is None:
        return Limits()
    if isinstance(limits, Limits):
        return limits
    # It may be anything.
    given: object = limits
    if not isinstance(given, Mapping):
        raise UsageError(
            f"limits={shown(given)}: names with values are needed", hint='limits={"timeout": "5s"}'
        )
    for name in limits:
        if name not in Limits._fields:
            raise UsageError(
                f"limits: there is no {name!r}; there are {', '.join(Limits._fields)}",
                hint=nearest(str(name), Limits._fields),
            )
    return Limits(**limits)  # type: ignore[arg-type]
