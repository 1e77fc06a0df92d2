"""`capsule cache`, a command for each thing to do with it."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declared.options import (
    Json,
)
from capsule.cli.screen import Screen


def list_(json: Json = False) -> int:
    """Show how much there is, and when it was last used."""
    from capsule.cli import cache

    return cache.list_entries(Screen(), as_json=json)


def prune(
    older_than: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=0, help="What was not used for so long. Default: 30."),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="The longest unused above so much. Default: 2GB."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, what was just used too.")
    ] = False,
) -> int:
    """Delete what has not been used for long; what was used in the last minute stays."""
    from capsule.cli import cache

    return cache.prune(Screen(), older_than=older_than, max_size=max_size, everything=everything)
