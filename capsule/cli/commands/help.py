"""`capsule help`: the help of a command that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.cli.grammar import help as help_text
from capsule.cli.grammar.line_matcher import follow
from capsule.cli.grammar.usage_errors import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.cli.grammar.command_model import Command
    from capsule.cli.terminal.console import Screen


def show(words: Sequence[str], root: Command, screen: Screen) -> int:
    """Print the help of the command that `words` name. Raises `UsageError` for none."""
    place = follow(root, words)
    if place.mistake is not None or place.plain:
        raise explained(words, root, "help is for a command")
    screen.out(help_text.text(place.command))
    return 0
