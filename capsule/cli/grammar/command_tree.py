"""The whole command line, as data."""

from __future__ import annotations

from typer.main import get_command

from capsule.cli.grammar.command_model import described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typer import Typer

    from capsule.cli.grammar.command_model import Command


def command_tree(app: Typer) -> Command:
    """Return the program that `app` declares, with every command below it."""
    return described(get_command(app), ())
