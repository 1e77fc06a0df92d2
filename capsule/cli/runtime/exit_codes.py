"""The exit codes of the program: how an envelope or an error becomes one, with its message."""

from __future__ import annotations

import errno
import os

from capsule.cli import DEBUG
from capsule.cli.runtime import signals
from capsule.errors import CapsuleError, GivenUpError, OutputError, hint_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capsule.cli.terminal.console import Console
    from capsule.envelope import Envelope

SUCCESS, FAILED, BROKEN, TIMED_OUT = 0, 1, 3, 124
_INTERNAL = 70
# Whose answer, and so whose error, is an envelope.
_RUNS = ("run", "exec")


def exit_code(envelope: Envelope) -> int:
    """Return the exit code that an envelope stands for."""
    error = envelope["error"]
    if error is None:
        return SUCCESS
    codes = {"timeout": TIMED_OUT, "cancelled": signals.INTERRUPTED}
    return codes.get(error["error_type"], FAILED)


def run_with_exit_code(words: Sequence[str], console: Console, work: Callable[[], int]) -> int:
    """Return what `work` returns, or the exit code of its error, which is printed.

    No traceback reaches the user.
    """
    try:
        return work()
    except GivenUpError as error:
        return _interrupted(error, words, console)
    except (signals.Interrupted, KeyboardInterrupt):
        early = GivenUpError("it was interrupted before it had an answer")
        return _interrupted(early, words, console)
    except Exception as error:
        if (said := _told(error)) is not None:
            return _refuse(said, words, console)
        if os.environ.get(DEBUG):
            raise
        console.err(
            f"capsule: this is a defect of capsule: {type(error).__name__}: {error}\n"
            f"  try: the same with {DEBUG}=1, and report what it prints"
        )
        return _INTERNAL


def _told(error: Exception) -> CapsuleError | None:
    """Return what an error of the system or of ours says to a user, None for a defect."""
    if isinstance(error, CapsuleError):
        return error
    if isinstance(error, MemoryError):
        error = OSError(errno.ENOMEM, "there is not enough memory")
    hint = hint_of(error, "") or None
    if isinstance(error, OSError) or hint is not None:
        # A full disk, a folder that is gone: the system's words name it.
        return CapsuleError(f"the system says no: {error}", hint=hint)
    return None


def _interrupted(error: GivenUpError, words: Sequence[str], console: Console) -> int:
    console.err("capsule: interrupted")
    # One that comes behind the answer, or within a batch of them, has nothing to add.
    if _wants_json(words) and not console.has_answered:
        _answer(error, words, console)
    return signals.INTERRUPTED


def _refuse(error: CapsuleError, words: Sequence[str], console: Console) -> int:
    if not _wants_json(words) or isinstance(error, OutputError):
        console.error(error)
    else:
        _answer(error, words, console)
    return error.exit_code


def _answer(error: CapsuleError, words: Sequence[str], console: Console) -> None:
    """Print an error as the JSON that a program waits for."""
    try:
        if words[0] in _RUNS:
            from capsule.envelope import refusal_of

            console.envelope(refusal_of(error), one_line=True)
        else:
            said = {"error": {"error_type": error.code, "message": str(error)}}
            console.document(said)
    except OutputError as worse:
        console.error(worse)


def _wants_json(words: Sequence[str]) -> bool:
    """Whether a command was asked to answer in JSON: then its errors are JSON too."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)
