"""Secrets: which values code in a sandbox may use without reading them, and at which hosts.

They are the caller's own word: options, what a program says, or [secrets] of a capsule.toml at or
above the caller's folder. No task file declares one. No message here repeats what may be a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from capsule.message_text import nearest, shown
from capsule.namedtuples import NamedTuple
from capsule.policy.hosts import parse_host, split_port
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.variables import parse_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    SecretsSaid: TypeAlias = Mapping[str, object] | Sequence[str]
    """`{"NAME": {"value": ..., "hosts": [...]}}`, or `["NAME[=VARIABLE]@HOST"]`."""

MAX_SECRETS = 32
# Characters. What is shorter stands by chance in many a text, which would not come back as it was;
# what is longer than this makes a request that servers refuse.
LEAST, MOST = 8, 8192
PREFIX = "capsule-secret-"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_FORMS = "NAME[=VARIABLE]@HOST, like API_KEY@api.example.com"
_TABLE = '{"hosts": ["api.example.com"]}, with "value" or "variable" for where its value is'
_CONFIG_TABLE = '["api.example.com"], or {variable = "MY_KEY", hosts = ["api.example.com"]}'
_EVERY = ', or "*" (every public address)'
# What stands in no host, and what it is then.
_NO_HOST = {
    "@": "has a user name",
    "://": "is a URL",
    "/": "has a path",
    "?": "has a query",
    "#": "has a fragment",
}


class SecretRule(NamedTuple):
    """A secret as somebody wrote it: its name inside, and the patterns of its hosts.

    The value is `value` where that is given, else that of `variable`: of the host's environment, or
    of the `.env` file of the project around `folder`. `is_optional` is whether it may have none.
    """

    name: str
    hosts: tuple[str, ...]
    variable: str
    folder: Path
    value: str | None = None
    is_optional: bool = False

    def __repr__(self) -> str:
        return f"SecretRule({self.name!r}, {self.hosts!r})"

    def named_alone(self) -> SecretRule:
        """Return a rule with the name of this one, and nothing else of it."""
        return SecretRule(self.name, (), "", Path())


class Secret(NamedTuple):
    """A secret of one run: what the code sees in place of its value, and where that is put in."""

    name: str
    placeholder: str
    value: str
    hosts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Secret({self.name!r}, {self.hosts!r})"


def parse_secret(text: object, folder: Path) -> SecretRule:
    """Return the rule that an option states; `folder` is the caller's.

    >>> parse_secret("KEY=MY_KEY@api.example.com:443", Path("/"))
    SecretRule('KEY', ('api.example.com:443',))
    """
    if not isinstance(text, str):
        raise InvalidValueError("what is given", "is no text", _FORMS)
    said, at, host = text.partition("@")
    name, given, variable = said.partition("=")
    if not at:
        # What stands there may be a value.
        raise InvalidValueError(_named(name), "has no @HOST", _FORMS)
    known = _parse_name(name)
    named = _parse_variable(name, variable) if given else name
    return SecretRule(known, (_parse_host(_named(name), host),), named, folder)


def parse_secret_table(name: object, table: object, folder: Path) -> SecretRule:
    """Return the rule that a program states for a name.

    >>> parse_secret_table("KEY", {"value": "open sesame", "hosts": ["api.example.com"]}, Path("/"))
    SecretRule('KEY', ('api.example.com',))
    """
    known = _parse_name(name)
    if not isinstance(table, Mapping):
        raise InvalidValueError(known, "is not described by a mapping", _TABLE)
    fields = _fields(known, table, ("value", "variable", "hosts"), _TABLE)
    value = fields.get("value")
    if value is not None and "variable" in fields:
        raise InvalidValueError(known, "has both a value and a variable", _TABLE)
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(known, "has a value that is no text", "a string")
    rule = _rule(known, fields, folder, _TABLE)
    return rule if value is None else rule._replace(value=checked_value(known, value))


def parse_config_secret(name: str, value: object, folder: Path) -> SecretRule:
    """Return the rule that [secrets] of the capsule.toml in `folder` states for a name."""
    known = _parse_name(name)
    fields: Mapping[str, object] = {"hosts": value}
    if isinstance(value, Mapping):
        if "value" in value:
            raise InvalidValueError(
                known, "has its value in the file", _CONFIG_TABLE, hint=f"{known}=... in .env"
            )
        fields = _fields(known, value, ("variable", "hosts"), _CONFIG_TABLE)
    return _rule(known, fields, folder, _CONFIG_TABLE)._replace(is_optional=True)


def secret_rules(said: SecretsSaid, folder: Path) -> tuple[SecretRule, ...]:
    """Return what a caller says, in either form; options for the same secret add their hosts."""
    if isinstance(said, Mapping):
        rules = [parse_secret_table(name, table, folder) for name, table in said.items()]
    elif isinstance(said, (list, tuple)):
        rules = [parse_secret(text, folder) for text in said]
    else:
        raise InvalidValueError(
            f"a {type(said).__name__}", "does not say secrets", f"a list of {_FORMS}, or a mapping"
        )
    found: dict[str, SecretRule] = {}
    for rule in rules:
        known = found.setdefault(rule.name, rule)
        if known.variable != rule.variable:
            raise InvalidValueError(
                rule.name, "is there twice, with two variables", "one variable for a name"
            )
        hosts = tuple(dict.fromkeys((*known.hosts, *rule.hosts)))
        found[rule.name] = known._replace(hosts=hosts)
    if len(found) > MAX_SECRETS:
        raise InvalidValueError(
            f"a list of {len(found)} secrets", "is too long", f"at most {MAX_SECRETS}"
        )
    return tuple(found.values())


def first_of_each(rules: Iterable[SecretRule]) -> tuple[SecretRule, ...]:
    """Return the first rule for each name."""
    found: dict[str, SecretRule] = {}
    for rule in rules:
        found.setdefault(rule.name, rule)
    return tuple(found.values())


def checked_value(name: str, value: str) -> str:
    """Return a value that can be put into a header, and be found in what comes back.

    Raises `InvalidValueError`, which says nothing of it but its length.
    """
    if not LEAST <= len(value) <= MOST:
        raise InvalidValueError(
            name,
            f"has a value of {len(value):,} characters",
            f"{LEAST} to {MOST:,}, as it is searched for in all that comes back",
        )
    if value != value.strip():
        raise InvalidValueError(
            name,
            "has a value that begins or ends with a space or a line break",
            "values without, as a header would lose it",
        )
    if not all(" " <= character <= "~" for character in value):
        raise InvalidValueError(
            name,
            "has a value with a line break, a control character, or one outside of ASCII",
            "values that a header can carry",
        )
    if PREFIX in value.lower() or value.lower() in PREFIX:
        raise InvalidValueError(
            name, "has a value that looks like a placeholder", "what is not made by capsule"
        )
    return value


def _rule(name: str, fields: Mapping[str, object], folder: Path, forms: str) -> SecretRule:
    hosts = fields.get("hosts")
    if not isinstance(hosts, (list, tuple)) or not hosts:
        # A text that stands there is not repeated: it may be a value.
        hint = '"hosts": ["api.example.com"]' if isinstance(hosts, str) else None
        raise InvalidValueError(name, "has no list of hosts", forms, hint=hint)
    variable = fields.get("variable")
    return SecretRule(
        name,
        tuple(dict.fromkeys(_parse_host(name, host) for host in hosts)),
        name if variable is None else _parse_variable(name, variable),
        folder,
    )


def _fields(
    name: str, table: Mapping[str, object], known: tuple[str, ...], forms: str
) -> Mapping[str, object]:
    for key in table:
        if key not in known:
            # Any other may be a value.
            meant = nearest(str(key), known)
            which = "a key" if meant is None else f"the key {shown(key)},"
            raise InvalidValueError(name, f"has {which} that there is not", forms, hint=meant)
    return table


def _parse_name(name: object) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise InvalidValueError(
        "its name", "is not that of a variable inside", 'letters, digits and "_", like API_KEY'
    )


def _parse_variable(name: str, variable: object) -> str:
    try:
        return parse_variable(variable)
    except InvalidValueError:
        raise InvalidValueError(
            _named(name), "names no variable that has its value", "the name of a variable"
        ) from None


def _parse_host(name: str, host: object) -> str:
    try:
        pattern = parse_host(host)
    except InvalidValueError as wrong:
        # What is written as a host is, but for "*".
        forms = wrong.message.rpartition("; allowed: ")[2].replace(_EVERY, "")
        # What is no host may be the value, or the rest of one that has an "@".
        text = host if isinstance(host, str) else "\0"
        marks = (what for mark, what in _NO_HOST.items() if mark in text)
        problem = next(marks, "is none" if text else "is empty")
        raise InvalidValueError(f"{name}: a host", problem, forms, hint=_host_of(text)) from None
    bare = split_port(pattern)[0]
    if bare == "*" or (bare.startswith("*.") and "." not in bare[2:] and bare != "*.localhost"):
        raise InvalidValueError(
            f"{name}: {shown(host)}",
            "is every host",
            "hosts that are trusted with the value, by their names",
            hint='"api.example.com", if the value is for there',
        )
    return pattern


def _host_of(text: str) -> str | None:
    """Return the host of a URL of the web that has nothing before it, for a hint."""
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in ("http", "https") or "@" in text:
        return None
    try:
        return shown(parse_host(rest.partition("/")[0]))
    except InvalidValueError:
        return None


def _named(name: str) -> str:
    """Return a name for a message, unless it may be a value."""
    return name if _NAME.fullmatch(name) and name.isupper() else "what is given"
