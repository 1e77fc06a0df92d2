"""One command line: who reads it, and how its errors become one message and an exit code."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from capsule.cli import DEBUG, fast, signals
from capsule.cli.screen import Screen
from capsule.errors import CapsuleError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INTERNAL = 70


def run(words: Sequence[str]) -> int:
    """Run one command line of this program and return its exit code."""
    signals.as_interrupts()
    screen = Screen()
    return guarded(words, screen, lambda: _run_at_once(words, screen))


def guarded(words: Sequence[str], screen: Screen, work: Callable[[], int]) -> int:
    """Return what `work` returns, or the exit code of its error, which is printed.

    No traceback reaches the user.
    """
    try:
        return work()
    except CapsuleError as error:
        return _refuse(error, words, screen)
    except OSError as error:
        # A full disk, a folder that is gone: the system's words name it.
        return _refuse(CapsuleError(f"the system says no: {error}"), words, screen)
    except (signals.Interrupted, KeyboardInterrupt):
        screen.err("capsule: interrupted")
        return signals.INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        screen.err(
            f"capsule: this is a defect of capsule: {type(error).__name__}: {error}\n"
            f"  try: the same with {DEBUG}=1, and report what it prints"
        )
        return _INTERNAL


def _run_at_once(words: Sequence[str], screen: Screen) -> int:
    """Run a plain `run` or `exec` without what only other command lines need."""
    options = fast.parse(words)
    if options is None:
        return _dispatch(list(words))
    # What is imported stays: looking through it for garbage, again and again, costs 2 ms.
    gc.disable()
    from capsule.cli.run import command
    from capsule.cli.surroundings import of_this_program

    gc.freeze()
    gc.enable()
    return command(options, of_this_program(screen))


def _dispatch(words: list[str]) -> int:
    from typer.main import get_command

    from capsule.cli.app import app

    command = get_command(app)
    try:
        answer = command.main(words, prog_name="capsule", standalone_mode=False)
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        text = message().strip().rstrip(".")
        if not text:  # no command was named, and the help was shown
            return UsageError.exit_code
        raise UsageError(text, hint=_help_for(error)) from None
    return answer if isinstance(answer, int) else 0


def _help_for(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context is not None else 'capsule'} --help"


def _refuse(error: CapsuleError, words: Sequence[str], screen: Screen) -> int:
    if _wants_json(words) and not isinstance(error, OutputError):
        from capsule.envelope import refusal

        try:
            screen.envelope(refusal("", error.code, str(error)), one_line=True)
        except OutputError as worse:
            screen.error(worse)
    else:
        screen.error(error)
    return error.exit_code


def _wants_json(words: Sequence[str]) -> bool:
    """Whether a run was asked to answer in JSON: then its errors are envelopes too."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options and options[0] in ("run", "exec")
