"""The whole command line, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.main import get_command

from capsule.cli.app import app
from capsule.cli.grammar.command_model import described

if TYPE_CHECKING:
    from capsule.cli.grammar.command_model import Command


def declared() -> Command:
    """Return the program itself, with every command below it."""
    return described(get_command(app), ())
