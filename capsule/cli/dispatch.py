"""One command line of this program: who reads it, and who does what it says."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from capsule.cli import fast, recording, signals
from capsule.cli.guarded import guarded
from capsule.cli.screen import Screen
from capsule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(words: Sequence[str]) -> int:
    """Run one command line of this program and return its exit code."""
    signals.as_interrupts()
    screen = Screen()
    code = guarded(words, screen, lambda: _run_at_once(words, screen))
    recording.close()
    return code


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
