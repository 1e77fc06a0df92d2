"""Amounts as people write them: fuel, bytes, durations, counts.

Every amount has one internal unit: fuel units, bytes, milliseconds. The parsers take any value, as
it comes out of a source or a file, and raise `InvalidValueError` for all but the documented forms.
"""

from __future__ import annotations

from capsule.message_text import nearest, shown
from capsule.policy.invalid_value import InvalidValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS = {"LOW": 100_000_000, "MEDIUM": 2_000_000_000, "HIGH": 50_000_000_000}
DEFAULT_COMPUTE = LEVELS["MEDIUM"]
MAX_COMPUTE = 10**14
MAX_RAM = 4 << 30  # WebAssembly's memory has 32-bit addresses
MAX_TIMEOUT = 7 * 24 * 3_600_000
MAX_RETRIES = 100

# A larger bare number is hardly one of seconds or megabytes.
_PLAUSIBLE = 10_000

# Longer suffixes stand before those they end with.
_BYTES = {
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "kb": 1 << 10,
    "mb": 1 << 20,
    "gb": 1 << 30,
}
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_LONGEST = 40  # characters: no sensible amount is longer, and int() of a long text is slow

_COMPUTE_FORMS = '"LOW", "MEDIUM", "HIGH", or a whole number from 1 to 10^14, as a string or an int'
_RAM_FORMS = (
    "a string of a number and KB, MB or GB (or KiB, MiB, GiB; all count by 1024), like"
    ' "512MB", that makes whole bytes, or a number of bytes from 10_000 on, at most "4GB": all a'
    " 32-bit sandbox can address"
)
# The sub-tasks that one run may call at most.
MAX_TASKS = 1_000
_SIZE_FORMS = 'a number and KB, MB or GB, like "500MB"'
_TIMEOUT_FORMS = (
    'a string of a number and h, m, s or ms, or of several from the largest on, like "30s" or'
    ' "1m30s", that makes whole milliseconds, from "1ms" to "168h" (a week)'
)
_RETRIES_FORMS = f"an int from 0 to {MAX_RETRIES}"


def parse_compute(value: object) -> int:
    """Return a limit on CPU in fuel units: a level's, or an exact number.

    >>> parse_compute("LOW"), parse_compute("1_000"), parse_compute(7)
    (100000000, 1000, 7)
    """
    if isinstance(value, str):
        if level := LEVELS.get(value.upper()):
            return level
        digits = value.replace("_", "")
        grouped = "__" not in value and value[:1] != "_" and value[-1:] != "_"
        fuel = int(digits) if grouped and _is_digits(digits) else 0
    elif isinstance(value, int) and not isinstance(value, bool):
        fuel = value
    else:
        raise InvalidValueError(shown(value), "is not an amount of compute", _COMPUTE_FORMS)
    if not 1 <= fuel <= MAX_COMPUTE:
        meant = nearest(value, LEVELS) if isinstance(value, str) else None
        raise InvalidValueError(
            shown(value),
            "is not an amount of compute",
            _COMPUTE_FORMS,
            hint=meant and f'"{meant}"',
        )
    return fuel


def parse_ram(value: object) -> int:
    """Return a size of memory in bytes.

    >>> parse_ram("64MiB") == parse_ram("64 mb") == parse_ram(67_108_864)
    True
    """
    size = _bare(value) or _scaled(value, _BYTES)
    if size is None or not 1 <= size <= MAX_RAM:
        raise InvalidValueError(
            shown(value), "is not a size of memory", _RAM_FORMS, hint=_with_unit(value, "MB")
        )
    return size


def parse_size(value: object) -> int:
    """Return an amount of disk in bytes.

    >>> parse_size("1.5GB"), parse_size("0MB")
    (1610612736, 0)
    """
    size = _scaled(value, _BYTES)
    if size is None:
        raise InvalidValueError(shown(value), "is not a size", _SIZE_FORMS)
    return size


def parse_timeout(value: object) -> int:
    """Return a duration in milliseconds.

    >>> parse_timeout("1.5s"), parse_timeout("1m30s")
    (1500, 90000)
    """
    duration = _summed(value)
    if duration is None or not 1 <= duration <= MAX_TIMEOUT:
        raise InvalidValueError(
            shown(value), "is not a duration", _TIMEOUT_FORMS, hint=_with_unit(value, "s")
        )
    return duration


def parse_retries(value: object) -> int:
    """Return a number of further attempts.

    >>> parse_retries(2)
    2
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_RETRIES:
        return value
    raise InvalidValueError(shown(value), "is not a number of retries", _RETRIES_FORMS)


def format_compute(fuel: int) -> str:
    """Return fuel units in a form that `parse_compute` reads.

    >>> format_compute(100_000_000), format_compute(1_500_000)
    ('LOW', '1_500_000')
    """
    return next((name for name, units in LEVELS.items() if units == fuel), f"{fuel:_}")


def format_ram(size: int) -> str:
    """Return bytes in the largest unit that divides them, in a form that `parse_ram` reads.

    >>> format_ram(1 << 30), format_ram(1536 << 20), format_ram(1000)
    ('1GB', '1536MB', '0.9765625KB')
    """
    for unit in ("gb", "mb", "kb"):
        if size >= _BYTES[unit] and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit.upper()}"
    # A 1,024th has ten decimals: nothing is lost.
    return f"{size >> 10}.{(size & 1023) * 5**10:010d}".rstrip("0") + "KB"


def format_timeout(duration: int) -> str:
    """Return milliseconds in the largest unit that divides them.

    >>> format_timeout(300_000), format_timeout(90_000), format_timeout(1_500)
    ('5m', '90s', '1500ms')
    """
    for unit in ("h", "m", "s"):
        if duration >= _MILLISECONDS[unit] and duration % _MILLISECONDS[unit] == 0:
            return f"{duration // _MILLISECONDS[unit]}{unit}"
    return f"{duration}ms"


def parse_tasks(value: object) -> int:
    """Return a number of tasks.

    >>> parse_tasks(20)
    20
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TASKS:
        return value
    raise InvalidValueError(shown(value), "is not a number of tasks", f"0 to {MAX_TASKS:,}")


def _with_unit(value: object, unit: str) -> str | None:
    """Return what a bare number was probably meant to be, as it has to be written."""
    if isinstance(value, str) and _is_digits(value):
        value = int(value)
    return f'"{value}{unit}"' if type(value) is int and 0 < value < _PLAUSIBLE else None


def _scaled(value: object, units: Mapping[str, int]) -> int | None:
    """Return a number and its unit as a count of base units; `None` if it is none, or not whole."""
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isascii():
        return None
    text = value.lower()
    suffix = next((unit for unit in units if text.endswith(unit)), None)
    if suffix is None:
        return None
    # One space, as in "64 MB".
    number = text.removesuffix(suffix)
    whole, dot, fraction = number.removesuffix(" ").partition(".")
    if not _is_digits(whole) or (dot and not _is_digits(fraction)):
        return None
    # Whole numbers only: 0.1 as a float is not a tenth.
    count, rest = divmod(int(whole + fraction) * units[suffix], 10 ** len(fraction))
    return None if rest else count


def _bare(value: object) -> int | None:
    """Return a number of bytes that is one by itself; `None` for one that was hardly meant so."""
    if isinstance(value, str) and _is_digits(value):
        value = int(value)
    return value if type(value) is int and value >= _PLAUSIBLE else None


def _summed(value: object) -> int | None:
    """Return a duration of one part or several, each with a smaller unit than the one before."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        return None
    parts = [""]
    for character in value.lower():
        if parts[-1][-1:].isalpha() and not character.isalpha():
            # One space between two, as in "1m 30s".
            parts.append("" if character == " " else character)
        else:
            parts[-1] += character
    scales = [_MILLISECONDS.get(part.lstrip("0123456789. "), 0) for part in parts]
    said = [_scaled(part, _MILLISECONDS) for part in parts]
    known = [amount for amount in said if amount is not None]
    in_order = scales == sorted(set(scales), reverse=True)
    return sum(known) if in_order and len(known) == len(said) else None


def _is_digits(text: str) -> bool:
    # isdigit() alone also takes superscripts and other scripts' digits.
    return 0 < len(text) <= _LONGEST and text.isascii() and text.isdigit()
