"""The error for a value that a parameter does not allow."""

from __future__ import annotations

from capsule.errors import UsageError


class InvalidValueError(UsageError):
    """Raised when a value is not what its parameter allows.

    The message starts with the value; whoever knows whose value it is (a task's, a key's of
    capsule.toml) raises their own error with that in front.
    """

    def __init__(self, value: str, problem: str, allowed: str, *, hint: str | None = None) -> None:
        super().__init__(f"{value} {problem}; allowed: {allowed}", hint=hint)
