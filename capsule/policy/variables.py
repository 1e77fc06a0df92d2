"""The names of the host's environment variables that a task may see."""

from __future__ import annotations

from capsule.message_text import shown
from capsule.policy.invalid_value import InvalidValueError

MAX_VARIABLES = 256
_LONGEST = 256

_FORMS = 'names of variables, like "API_KEY": not empty, without "=" and NUL'


def parse_variable(value: object) -> str:
    """Return the name of an environment variable.

    >>> parse_variable("API_KEY")
    'API_KEY'
    """
    if (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST
        and "=" not in value
        and value.isprintable()  # NUL is not; nor is a lone surrogate, which no variable can hold
        and value == value.strip()
    ):
        return value
    raise InvalidValueError(shown(value), "is not the name of a variable", _FORMS)
