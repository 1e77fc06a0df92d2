"""What whoever starts the server grants to all code that it runs: the options of the command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.policy import units
from capsule.policy.caller_limits import (
    caller_grants,
    caller_limits,
    caller_secrets,
    mount_rules,
)
from capsule.policy.config import find_project
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.resolve import Grants, resolve
from capsule.runner.secret_values import in_force, new_identity, with_values
from capsule.runner.source_analysis import toml_reader
from capsule.sessions.session_declaration import declarations_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from capsule.policy.resolve import Policy
    from capsule.policy.secret_rules import Secret

# Of a call, where neither an option nor a capsule.toml says another. Many a client gives up after
# a minute.
TIMEOUT, RAM = "50s", "1GB"


class ServerGrants(NamedTuple):
    """What the command line says, as text. Every option that grants something has its place here.

    >>> ServerGrants(allow_hosts=("api.example.com",)).options["allowed_hosts"]
    ['api.example.com']
    """

    allow_hosts: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    env_names: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    compute: str | None = None
    ram: str | None = None
    timeout: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What a session is opened with, by its options."""
        return {
            "allowed_hosts": list(self.allow_hosts),
            "env_variables": list(self.env_names),
            "compute": self.compute,
            "ram": self.ram,
            "timeout": self.timeout,
        }


class Granted(NamedTuple):
    """What holds for each call: what was said, limits where nothing was, and what comes of it.

    Relative paths are relative to `working`. `secrets` are those that there were at the start.
    """

    said: ServerGrants
    working: Path
    limits: dict[str, object]
    policy: Policy
    secrets: tuple[Secret, ...] = ()


def settled(said: ServerGrants, working: Path, home: Path) -> Granted:
    """Return what holds for each call, before any arrives.

    Raises `CapsuleError` for an option that is wrong, or above a ceiling.
    """
    for option, value, parse in (
        ("--compute", said.compute, units.parse_compute),
        ("--ram", said.ram, units.parse_ram),
        ("--timeout", said.timeout, units.parse_timeout),
    ):
        _check_amount(option, value, parse)
    for name in said.imports:
        if not name.replace(".", "_").isidentifier():
            raise UsageError(f"--import {name!r} is no name of a module", hint="--import pandas")
    if said.packages:
        from capsule.packages import requirement

        for text in said.packages:
            requirement.parse(text, "--package")
    caller_grants(said.allow_hosts, said.env_names)
    project = find_project(working, working=working, parse=toml_reader(home))
    project = project._replace(own=(working.resolve(),), state=home)
    defaults = project.defaults
    limits: dict[str, object] = {}
    if said.timeout is None and defaults.timeout is None:
        limits["timeout"] = TIMEOUT
    if said.ram is None and defaults.ram is None:
        limits["max_ram"] = RAM
    rules = mount_rules(said.mounts, working, "--mount") if said.mounts else ()
    # Looked at now, and read again for each call.
    own = caller_secrets(said.secrets, working, "--secret")
    secrets = with_values(in_force(own, project.secrets), os.environ, new_identity())
    grants = Grants(secrets=tuple(secret.name for secret in secrets))
    task = declarations_of(said.options, project).tasks[0]
    policy = resolve(task, project, caller_limits(limits), rules, grants)
    return Granted(said, working, limits, policy, secrets)


def _check_amount(option: str, value: str | None, parse: Callable[[object], int]) -> None:
    try:
        if value is not None:
            parse(value)
    except InvalidValueError as wrong:
        raise UsageError(f"{option}: {wrong.message}", hint=wrong.hint) from None
