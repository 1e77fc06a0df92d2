"""The options of a task, each parsed on its own, before any of them is compared with a limit."""

from __future__ import annotations

from capsule.message_text import shown
from capsule.namedtuples import NamedTuple
from capsule.policy.folders import MAX_FOLDERS, FolderRule, parse_folder
from capsule.policy.hosts import MAX_HOSTS, parse_host
from capsule.policy.invalid_value import InvalidValueError
from capsule.policy.units import (
    format_ram,
    format_timeout,
    parse_compute,
    parse_ram,
    parse_retries,
    parse_timeout,
)
from capsule.policy.variables import MAX_VARIABLES, parse_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from capsule.errors import CapsuleError

    # Makes the error that says whose value it is, from an option and what is wrong with it.
    Blame = Callable[[str, InvalidValueError], CapsuleError]
    T = TypeVar("T")

# An amount that is said not to be set, by None in a source: it stands over a default of a project.
UNSET = 0


class Options(NamedTuple):
    """What a task, or the defaults of a project, say about each option; `None` is silence.

    `compute` is in fuel units, `ram` in bytes, `timeout` in milliseconds, or they are `UNSET`.
    """

    compute: int | None = None
    ram: int | None = None
    timeout: int | None = None
    max_retries: int | None = None
    allowed_files: tuple[FolderRule, ...] | None = None
    allowed_hosts: tuple[str, ...] | None = None
    env_variables: tuple[str, ...] | None = None


def parse_options(raw: Mapping[str, object], blame: Blame) -> Options:
    """Return the options that `raw` (option names and literal values) states.

    Raises what `blame` makes of the first wrong value.
    """

    def parsed(option: str, parse: Callable[[object], T]) -> T | None:
        if option not in raw:
            return None
        try:
            return parse(raw[option])
        except InvalidValueError as wrong:
            raise blame(option, wrong) from None

    def amount(option: str, parse: Callable[[object], int]) -> int | None:
        return parsed(option, lambda value: UNSET if value is None else parse(value))

    return Options(
        compute=amount("compute", parse_compute),
        ram=amount("ram", parse_ram),
        timeout=amount("timeout", parse_timeout),
        max_retries=parsed("max_retries", parse_retries),
        allowed_files=parsed("allowed_files", parse_folders),
        allowed_hosts=parsed("allowed_hosts", parse_hosts),
        env_variables=parsed("env_variables", parse_variables),
    )


def overlay(own: Options, defaults: Options) -> Options:
    """Return `own` with the silent options taken from `defaults`."""

    def first(value: T | None, default: T | None) -> T | None:
        return default if value is None else value

    return Options(
        compute=first(own.compute, defaults.compute),
        ram=first(own.ram, defaults.ram),
        timeout=first(own.timeout, defaults.timeout),
        max_retries=first(own.max_retries, defaults.max_retries),
        allowed_files=first(own.allowed_files, defaults.allowed_files),
        allowed_hosts=first(own.allowed_hosts, defaults.allowed_hosts),
        env_variables=first(own.env_variables, defaults.env_variables),
    )


def amounts(options: Options) -> Options:
    """Return options in which an amount that is said not to be set is silent.

    >>> amounts(Options(ram=UNSET, timeout=5))[1:3]
    (None, 5)
    """
    return options._replace(
        compute=options.compute or None,
        ram=options.ram or None,
        timeout=options.timeout or None,
    )


def written(options: Options) -> dict[str, object]:
    """Return the literal values that `parse_options` reads as `options`: JSON, and no tuples.

    >>> written(Options(compute=5, ram=1 << 20, timeout=UNSET, allowed_hosts=("localhost",)))
    {'compute': 5, 'ram': '1MB', 'timeout': None, 'allowed_hosts': ['localhost']}
    """
    found = {
        "compute": options.compute or None,
        "ram": _written_ram(options.ram) if options.ram else None,
        "timeout": format_timeout(options.timeout) if options.timeout else None,
        "max_retries": options.max_retries,
        "allowed_files": None
        if options.allowed_files is None
        else [
            {"path": str(rule), "mode": "rw" if rule.writable else "ro"}
            for rule in options.allowed_files
        ],
        "allowed_hosts": _list(options.allowed_hosts),
        "env_variables": _list(options.env_variables),
    }
    return {
        option: value for option, value in found.items() if getattr(options, option) is not None
    }


def _written_ram(size: int) -> str:
    # A kilobyte is a power of two, so that ten decimals say any number of bytes exactly.
    whole, rest = divmod(size, 1024)
    return format_ram(size) if not rest else f"{whole}.{rest * 10**10 // 1024:010}KB"


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


def parse_folders(value: object) -> tuple[FolderRule, ...]:
    """Return the rules of a list of folders."""
    return _parse_list(value, parse_folder, MAX_FOLDERS, "folders", '["./data"]')


def parse_hosts(value: object) -> tuple[str, ...]:
    """Return the patterns of a list of hosts, in normal form."""
    return _parse_list(value, parse_host, MAX_HOSTS, "hosts", '["api.example.com"]')


def parse_variables(value: object) -> tuple[str, ...]:
    """Return the names of a list of environment variables."""
    return _parse_list(value, parse_variable, MAX_VARIABLES, "names", '["API_KEY"]')


def _parse_list(
    value: object, parse: Callable[[object], T], most: int, noun: str, example: str
) -> tuple[T, ...]:
    """Parse each item and drop repetitions, keeping the order."""
    if not isinstance(value, (list, tuple)):
        # A lone string is the usual slip, and would otherwise be a list of letters.
        hint = f"[{shown(value)}]" if isinstance(value, (str, dict)) else None
        raise InvalidValueError(
            shown(value), "is not a list", f"a list of {noun}, like {example}", hint=hint
        )
    if len(value) > most:
        raise InvalidValueError(
            f"a list of {len(value)} {noun}", "is too long", f"at most {most} {noun}"
        )
    return tuple(dict.fromkeys(parse(item) for item in value))
