"""`capsule help`: the help of a command that is named."""

from __future__ import annotations

from capsule.cli.grammar import help as help_text
from capsule.cli.grammar.line_matcher import match_prefix
from capsule.cli.grammar.usage_errors import usage_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.cli.grammar.command_model import Command
    from capsule.cli.terminal.console import Console


def show(words: Sequence[str], root: Command, console: Console) -> int:
    """Print the help of the command that `words` name. Raises `UsageError` for none."""
    place = match_prefix(root, words)
    if place.mistake is not None or place.plain:
        raise usage_error(words, root, "help is for a command")
    console.out(help_text.text(place.command))
    return 0
