"""Every error that capsule itself reports, with its stable code and exit code.

An error of the code *inside* a sandbox is never one of these: it is a value in an envelope.
"""

from __future__ import annotations

import errno

# So everywhere in this package, in place of the one in `typing`: to import that takes 4 ms, and it
# is wanted for annotations alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Literal

    Code = Literal[
        "capsule_error",
        "usage_error",
        "config_error",
        "policy_error",
        "toolchain_error",
        "output_error",
        "protocol_error",
        "malformed_module",
        "artifact_error",
        "state_error",
        "busy_error",
        "check_error",
        "engine_error",
        "cancelled",
        "timeout",
    ]


class CapsuleError(Exception):
    """Raised when capsule cannot do what was asked; the base of all errors below.

    `message` names the thing and the value that is wrong; `hint`, where there is one, is the next
    step, in words that can follow "try:".
    """

    code: ClassVar[Code] = "capsule_error"
    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  try: {self.hint}"


class UsageError(CapsuleError):
    """Raised when a command, an option or an argument is not what it has to be."""

    code = "usage_error"


class TooCostlyError(UsageError):
    """Raised when reading a source takes more time or memory than any source may."""


class ConfigError(CapsuleError):
    """Raised when capsule.toml or the environment says what capsule does not understand."""

    code = "config_error"


class PolicyError(CapsuleError):
    """Raised when a task's policy is malformed, cannot be read from its source, or is too wide."""

    code = "policy_error"


class ToolchainError(CapsuleError):
    """Raised when the pinned parts are missing, damaged, or cannot be fetched or prepared."""

    code = "toolchain_error"
    exit_code = 3


class OutputError(CapsuleError):
    """Raised when what a command has to say cannot be written."""

    code = "output_error"


class BusyError(CapsuleError):
    """Raised when as many runs wait for their turn as may; nothing of this one has run."""

    code = "busy_error"


class CheckError(CapsuleError):
    """Raised when type errors cannot be looked for: the checker is missing, or does not answer."""

    code = "check_error"


class EngineError(CapsuleError):
    """Raised when a batch cannot go on over its engine: a cluster is gone, or refuses the task."""

    code = "engine_error"


class WireError(CapsuleError):
    """Raised when a sandbox breaks the wire format; the runner turns it into `protocol_error`."""

    code = "protocol_error"
    exit_code = 1


class GivenUpError(CapsuleError):
    """Raised when a run is cancelled while what it needs is prepared; nothing has run."""

    code = "cancelled"
    exit_code = 130


class OutOfTimeError(CapsuleError):
    """Raised when what a run needs takes all the time that the run may take; nothing has run.

    `spent_ms` is how long that took.
    """

    code = "timeout"
    exit_code = 124

    def __init__(self, message: str, spent_ms: int) -> None:
        super().__init__(message, hint="look at the index; what a task has had once is not fetched")
        self.spent_ms = spent_ms


# What to do when a limit of the system is in the way, by the error that it gives. It stands here,
# where all is imported already: with no file left to open, nothing more can be.
_HINTS = {
    errno.EMFILE: "raise the limit on open files of this program: ulimit -n",
    errno.ENFILE: "wait until other programs have closed files: the system's limit is reached",
    errno.EAGAIN: "raise the limit on processes and threads of this user: ulimit -u",
    errno.ENOMEM: "raise the limit on memory of this program: ulimit -v",
}
# Errors that say nothing of the file that they came with.
EXHAUSTED = frozenset(_HINTS)
# Python's words where the system starts no thread; it has no number for them.
NO_THREAD = "can't start new thread"


def hint_of(error: BaseException, otherwise: str) -> str:
    """Return what helps against an exhausted limit, or `otherwise` where it is none.

    >>> hint_of(OSError(errno.EMFILE, "Too many open files"), "look at the file")
    'raise the limit on open files of this program: ulimit -n'
    """
    if isinstance(error, RuntimeError) and NO_THREAD in str(error):
        return _HINTS[errno.EAGAIN]
    number = error.errno if isinstance(error, OSError) else None
    return _HINTS.get(number or 0, otherwise)
