"""One command line of this program: who reads it, and who does what it says."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from capsule.cli.parsing import fast_parser
from capsule.cli.runtime import run_recording, signals
from capsule.cli.runtime.exit_codes import guarded
from capsule.cli.terminal.console import Screen
from capsule.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(words: Sequence[str]) -> int:
    """Run one command line of this program and return its exit code."""
    signals.as_interrupts()
    screen = Screen()
    code = guarded(words, screen, lambda: _run_at_once(words, screen))
    run_recording.close()
    return code


def _run_at_once(words: Sequence[str], screen: Screen) -> int:
    """Run a plain `run` or `exec` without what only other command lines need."""
    options = fast_parser.parse(words)
    if options is None:
        return _dispatch(list(words), screen)
    # What is imported stays: looking through it for garbage, again and again, costs 2 ms.
    gc.disable()
    from capsule.cli.commands.run import command
    from capsule.cli.runtime.context import of_this_program

    gc.freeze()
    gc.enable()
    return command(options, of_this_program(screen))


def _dispatch(words: list[str], screen: Screen) -> int:
    from capsule.cli.commands import word_candidates

    if words[:1] == [word_candidates.COMMAND]:
        return word_candidates.answer(words[1:], screen)
    from typer.main import get_command

    from capsule.cli.app import app

    command = get_command(app)
    try:
        answer = command.main(words, prog_name="capsule", standalone_mode=False)
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        _refuse(words, message(), screen)
        return UsageError.exit_code
    return answer if isinstance(answer, int) else 0


def _refuse(words: list[str], otherwise: str, screen: Screen) -> None:
    """Say what is wrong with a line, or show the help of a group of which no command is named.

    Raises `UsageError`.
    """
    from capsule.cli.grammar import help as help_text
    from capsule.cli.grammar.command_tree import declared
    from capsule.cli.grammar.line_matcher import checked
    from capsule.cli.grammar.usage_errors import explained

    root = declared()
    place = checked(root, words)
    if place.mistake is None or place.mistake.kind != "no command":
        raise explained(words, root, otherwise.strip().rstrip("."))
    screen.err(help_text.text(place.command))
