"""The secrets of one run: their values, and the placeholders that code sees in place of them.

A placeholder is made of a random identity and a name. The identity is that of a run, or of a
session, whose states bear it: so a placeholder that lies in memory still stands for its name when
the state is resumed, and for nothing where the host gives no secret of that name.
"""

from __future__ import annotations

import os
import re

from capsule.errors import ConfigError, PolicyError, UsageError
from capsule.policy.ceilings import check_hosts, check_variables
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.project import CONFIG_NAME
from capsule.policy.secret_rules import PREFIX, Secret, checked_value, first_of_each
from capsule.runner.environment import FILE, values_of
from capsule.toolstore.digests import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from capsule.policy.project import Ceiling
    from capsule.policy.secret_rules import SecretRule

# Of the random part of an identity, and of a placeholder, in hexadecimal digits.
_DIGITS = 32
_IDENTITY = re.compile(f"[0-9a-f]{{{_DIGITS}}}")
# What people call variables; anything else could be a value that was typed in place of a name.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


def new_identity() -> str:
    """Return what placeholders are made of: another one each time."""
    return os.urandom(_DIGITS // 2).hex()


def is_identity(text: object) -> bool:
    """Say whether a text of a stranger's can be one."""
    return isinstance(text, str) and _IDENTITY.fullmatch(text) is not None


def placeholder_of(identity: str, name: str) -> str:
    """Return the placeholder of a name.

    >>> placeholder_of("00" * 16, "KEY") == placeholder_of("00" * 16, "KEY2")
    False
    """
    return PREFIX + sha256(f"{identity}\0{name}".encode())[:_DIGITS]


def in_force(own: Sequence[SecretRule], around: Sequence[SecretRule]) -> tuple[SecretRule, ...]:
    """Return the rules of a run: the caller's, and those around the caller for other names."""
    return first_of_each((*own, *around))


def within_ceilings(around: Iterable[SecretRule], ceilings: Sequence[Ceiling]) -> None:
    """Refuse a secret of a capsule.toml whose variable or hosts are above a ceiling.

    Such a file may be another's, in whose folder somebody stands: it can have no more of the
    caller's variables so than by `env_variables`. Raises `ConfigError`.
    """
    for rule in around:
        try:
            check_variables((rule.variable,), ceilings)
            check_hosts(rule.hosts, ceilings)
        except InvalidValueError as wrong:
            raise ConfigError(
                f"{rule.folder / CONFIG_NAME}: [secrets]: {rule.name}: {wrong.message}",
                hint=f"--secret {rule.name}@{rule.hosts[0]}, which is your own word",
            ) from None


def with_values(
    rules: Iterable[SecretRule], environ: Mapping[str, str], identity: str
) -> tuple[Secret, ...]:
    """Return the secrets of a run; one that may have no value, and has none, is left out.

    Raises `UsageError` or `ConfigError`, which repeat no value.
    """
    found = []
    for rule in rules:
        if (value := _value_of(rule, environ)) is None:
            continue
        placeholder = placeholder_of(identity, rule.name)
        found.append(Secret(rule.name, placeholder, value, rule.hosts))
    return tuple(found)


def places_of(rules: Iterable[SecretRule], environ: Mapping[str, str]) -> dict[str, str]:
    """Return where the value of each is, in words, by name. Raises `ConfigError`."""
    places = {}
    for rule in rules:
        words = "set here"
        if rule.value is not None:
            words = "given"
        elif rule.variable not in environ:
            words = "not set" if _value_of(rule, environ, checks=False) is None else f"in {FILE}"
        places[rule.name] = words
    return places


def check_hidden(env: Mapping[str, str], secrets: Iterable[Secret], task: str) -> None:
    """Refuse a variable that the task may see and that holds the value of a secret.

    Raises `PolicyError`.
    """
    for secret in secrets:
        for name, value in env.items():
            if secret.value in value:
                raise PolicyError(
                    f"task {task!r}: env_variables: {name!r} would show the value of the secret"
                    f" {secret.name}",
                    hint=f"take {name} out of env_variables, or the secret away",
                )


def _value_of(rule: SecretRule, environ: Mapping[str, str], *, checks: bool = True) -> str | None:
    if rule.value is not None:
        return rule.value
    root = _project_around(rule.folder)
    value = values_of((rule.variable,), root, environ).get(rule.variable)
    if value is None:
        if rule.is_optional or not checks:
            return None
        named = rule.variable if _VARIABLE.fullmatch(rule.variable) else "that it names"
        raise UsageError(
            f"secret {rule.name}: the variable {named} is set neither here nor in {FILE} of {root}",
            hint=f"{rule.name}=VARIABLE@HOST for the value of another",
        )
    try:
        return checked_value(rule.name, value) if checks else value
    except InvalidValueError as wrong:
        kind = ConfigError if rule.is_optional else UsageError
        raise kind(f"secret {wrong.message}", hint=wrong.hint) from None


def _project_around(folder: Path) -> Path:
    """Return the folder of the nearest capsule.toml at or above a folder, else that itself."""
    above = (one for one in (folder, *folder.parents) if os.path.lexists(one / CONFIG_NAME))
    return next(above, folder)
