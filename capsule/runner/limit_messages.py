"""What an attempt may use, and what is said when that was not enough.

Each message names what was used, of how much, who set the limit, and what would raise it.
"""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.policy.limit_origins import Denials, LimitOrigin, LimitOrigins
from capsule.policy.units import (
    LEVELS,
    MAX_COMPUTE,
    MAX_RAM,
    MAX_TIMEOUT,
    format_compute,
    format_ram,
    format_timeout,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.policy.limit_origins import Who
    from capsule.policy.resolve import Policy

# How much more a message proposes, where there is no level to propose.
_TIMES_COMPUTE, _TIMES_RAM, _TIMES_TIMEOUT = 10, 4, 10
_MB = 1 << 20
# What Python raises where a folder is not there.
_FILE_ERRORS = ("FileNotFoundError", "PermissionError", "NotADirectoryError", "OSError")
_RUN = "what the run has left of {} in [limits] of {}"


class Limits(NamedTuple):
    """What an attempt may use; None is no limit.

    `origins` says who set the amounts. `shared` are the options of which the run, with all its
    tasks, had less left than the attempt may use by itself. `fetched_ms` is what the packages took
    of its time before it began; `timeout_ms` is the rest.
    """

    compute: int
    ram: int | None
    timeout_ms: int | None
    origins: LimitOrigins = LimitOrigins()
    shared: tuple[str, ...] = ()
    fetched_ms: int = 0


def left_of(timeout_ms: int | None, fetched_ms: int) -> int | None:
    """Return what fetching its packages leaves a task of its time: too little, but not nothing.

    >>> left_of(1_000, 400), left_of(1_000, 1_200), left_of(None, 400)
    (600, 1, None)
    """
    return None if timeout_ms is None else max(timeout_ms - fetched_ms, 1)


def limits_of(granted: Policy, asked: Policy, fetched_ms: int = 0) -> Limits:
    """Return the limits of an attempt: what the run grants of what its policy asks for.

    Of that, fetching its packages took so many milliseconds already, which `granted` is without.
    """
    less = {
        "compute": granted.compute < asked.compute,
        "timeout": granted.timeout_ms != left_of(asked.timeout_ms, fetched_ms),
    }
    shared = tuple(option for option, is_less in less.items() if is_less)
    return Limits(
        granted.compute, granted.ram, granted.timeout_ms, granted.origins, shared, fetched_ms
    )


def fuel_spent(limits: Limits) -> str:
    """Say that an attempt spent its fuel.

    >>> fuel_spent(Limits(2_000_000_000, None, None))
    'the task used 2.0e9 of 2.0e9 fuel, compute="MEDIUM" by default: compute="HIGH" allows 25x'
    """
    compute = limits.compute
    used = f"the task used {_units(compute)} of {_units(compute)} fuel"
    if "compute" in limits.shared:
        return f"{used}, {_RUN.format('run_compute', limits.origins.run_file)}"
    level = next((units for units in LEVELS.values() if units >= 2 * compute), None)
    more = min(level or _TIMES_COMPUTE * compute, MAX_COMPUTE)
    return (
        f"{used}, {_explained('compute', limits.origins.compute, (compute, more), format_compute)}"
    )


def out_of_time(limits: Limits, duration_ms: int) -> str:
    """Say that an attempt was stopped after so many milliseconds."""
    timeout = (limits.timeout_ms or 0) + limits.fetched_ms
    used = f"the task was stopped after {duration_ms + limits.fetched_ms:,} of {timeout:,} ms"
    if limits.fetched_ms:
        used += f", {limits.fetched_ms:,} of them for fetching its packages"
    return _time_explained(used, limits, timeout)


def fetched_too_long(limits: Limits, spent_ms: int) -> str:
    """Say that fetching the packages took all of the time.

    >>> fetched_too_long(Limits(1, None, 500, LimitOrigins(timeout=LimitOrigin("flag"))), 512)
    'fetching packages took 512 of 500 ms, --timeout 500ms: --timeout 5s allows 10x'
    """
    timeout = limits.timeout_ms or 0
    used = f"fetching packages took {spent_ms:,} of {timeout:,} ms"
    return _time_explained(used, limits, timeout)


def _time_explained(used: str, limits: Limits, timeout: int) -> str:
    if "timeout" in limits.shared:
        return f"{used}, {_RUN.format('run_timeout', limits.origins.run_file)}"
    more = min(_TIMES_TIMEOUT * timeout, MAX_TIMEOUT)
    amounts = timeout, more
    return f"{used}, {_explained('timeout', limits.origins.timeout, amounts, format_timeout)}"


def out_of_memory(limits: Limits, used: int | None, said: str) -> str:
    """Say that an attempt asked for memory that there is not; `said` is what Python said inside.

    `used` is what it had, in bytes, None where nobody knows.
    """
    had = "all" if used is None else _size(used)
    if limits.ram is None:
        return f"the task used {had} of WebAssembly's 4GB memory and asked for more ({said})"
    known = _ram_explained(limits.origins.ram, limits.ram, 0)
    return f"the task used {had} of {_size(limits.ram)} memory and asked for more, {known} ({said})"


def too_small(limits: Limits, least: int) -> str:
    """Say that an attempt may use less memory than the interpreter starts with."""
    ram = limits.ram or 0
    known = _ram_explained(limits.origins.ram, ram, least)
    return f"the interpreter starts with {_size(least)} and may use {_size(ram)}, {known}"


def with_denials(message: str, denials: Denials) -> str:
    """Return what a task raised, with the option that took what it seems to lack.

    >>> with_denials("KeyError: 'KEY'", Denials(variables="--no-env", names=("KEY",)))
    "KeyError: 'KEY' (--no-env takes the task's env_variables)"
    """
    taken = ""
    if message.startswith(_FILE_ERRORS) and denials.files:
        taken = f"{denials.files} takes the task's allowed_files"
    elif any(f"'{name}'" in message for name in denials.names):
        taken = f"{denials.variables} takes the task's env_variables"
    return f"{message} ({taken})" if taken else message


def _ram_explained(origin: LimitOrigin, ram: int, least: int) -> str:
    # Whole megabytes: other amounts have no short form.
    more = -(-max(_TIMES_RAM * ram, 2 * least) // _MB) * _MB
    return _explained("ram", origin, (ram, min(more, MAX_RAM)), format_ram, least)


def _explained(
    option: str,
    origin: LimitOrigin,
    amounts: tuple[int, int],
    written: Callable[[int], str],
    least: int = 0,
) -> str:
    """Say who set the first of two amounts, and what the second would be, within the bound.

    What is not more than `least` would not help.
    """
    amount, more = amounts
    if origin.most is not None:
        more = min(more, origin.most)
    where = f" in [limits] of {origin.file}" if origin.file else _WHERE.get(origin.who, "")
    known = _said(option, origin.who, written(amount)) + where
    if origin.who == "untrusted":
        return known  # no option of the file raises it
    if origin.most == amount:
        return f"{known}, and another limit is no higher"
    if more <= max(amount, least):
        return known
    return f"{known}: {_said(option, origin.who, written(more))} allows {_ratio(more / amount)}"


_CALLED = {"compute": "max_fuel", "ram": "max_ram", "timeout": "timeout"}
_WHERE = {
    "nobody": " by default",
    "defaults": " in [tasks] of capsule.toml",
    "caller": " of the caller's limits",
    "untrusted": " of a run that is untrusted",
}


def _said(option: str, who: Who, value: str) -> str:
    match who:
        case "flag":
            return f"--{_CALLED[option].replace('_', '-')} {value}"
        case "caller":
            return f'{_CALLED[option]}="{value}"'
        case "ceiling":
            return f'max_{option} = "{value}"'
        case "defaults":
            return f'default_{option} = "{value}"'
    return f'{option}="{value}"'


def _ratio(times: float) -> str:
    return f"{times:.0f}x" if times >= 10 else f"{times:.1f}".removesuffix(".0") + "x"


def _units(fuel: int) -> str:
    if fuel < 1_000_000:
        return f"{fuel:,}"
    mantissa, _, exponent = f"{fuel:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _size(size: int) -> str:
    return f"{size / _MB:.0f} MB" if size >= _MB else f"{size:,} bytes"
