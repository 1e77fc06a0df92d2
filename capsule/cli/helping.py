"""`capsule help`: the help of a command that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.cli.grammar import help as help_text
from capsule.cli.grammar.misread import explained
from capsule.cli.grammar.walk import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.cli.grammar.tree import Command
    from capsule.cli.screen import Screen


def show(words: Sequence[str], root: Command, screen: Screen) -> int:
    """Print the help of the command that `words` name. Raises `UsageError` for none."""
    place = follow(root, words)
    if place.mistake is not None or place.plain:
        raise explained(words, root, "help is for a command")
    screen.out(help_text.text(place.command))
    return 0
