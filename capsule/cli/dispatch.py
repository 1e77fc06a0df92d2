"""One command line of this program: who reads it, and who does what it says."""

from __future__ import annotations

import gc

from capsule.cli import run_modules
from capsule.cli.parsing import fast_parser
from capsule.cli.runtime import run_recording, signals
from capsule.cli.runtime.exit_codes import run_with_exit_code
from capsule.cli.terminal.console import Console
from capsule.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.cli.code_cache import CodeCache
    from capsule.cli.parsing.run_options import Options


def run(words: Sequence[str], code_cache: CodeCache | None = None) -> int:
    """Run one command line of this program and return its exit code.

    The code of what a plain `run` or `exec` imports is kept in `code_cache`.
    """
    signals.as_interrupts()
    console = Console()
    options = fast_parser.parse(words)

    def command() -> int:
        if options is None:
            return _dispatch(words, console)
        return _run_at_once(options, console, code_cache)

    code = run_with_exit_code(words, console, command)
    run_recording.close()
    if options is not None and code_cache is not None:
        code_cache.keep()
    return code


def _run_at_once(options: Options, console: Console, code_cache: CodeCache | None) -> int:
    """Run a plain `run` or `exec` without what only other command lines need."""
    from capsule.cli.early_starter import starter_for

    with starter_for(options) as starter:
        # The process starts while this is imported.
        if code_cache is not None:
            more = run_modules.OF_ARTIFACT if options.artifact else run_modules.OF_FILE
            code_cache.load(run_modules.BEHIND_START | more)
        from capsule.cli.commands.run import command
        from capsule.cli.runtime.context import of_this_program

        gc.freeze()
        gc.enable()
        return command(options, of_this_program(console), starter)


def _dispatch(words: Sequence[str], console: Console) -> int:
    gc.enable()
    from typer.main import get_command

    from capsule.cli.app import app
    from capsule.cli.commands import word_candidates

    if words[:1] == [word_candidates.COMMAND]:
        from capsule.cli.grammar.command_tree import command_tree

        return word_candidates.answer(list(words[1:]), command_tree(app), console)
    command = get_command(app)
    try:
        answer = command.main(list(words), prog_name="capsule", standalone_mode=False)
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        _refuse(words, message(), console)
        return UsageError.exit_code
    return answer if isinstance(answer, int) else 0


def _refuse(words: Sequence[str], otherwise: str, console: Console) -> None:
    """Say what is wrong with a line, or show the help of a group of which no command is named.

    Raises `UsageError`.
    """
    from capsule.cli.app import app
    from capsule.cli.grammar import help as help_text
    from capsule.cli.grammar.command_tree import command_tree
    from capsule.cli.grammar.line_matcher import match_line
    from capsule.cli.grammar.usage_errors import usage_error

    root = command_tree(app)
    place = match_line(root, words)
    if place.mistake is None or place.mistake.kind != "no command":
        raise usage_error(words, root, otherwise.strip().rstrip("."))
    console.err(help_text.text(place.command))
