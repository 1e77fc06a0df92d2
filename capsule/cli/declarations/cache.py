"""`capsule cache`, a command for each thing to do with it."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declarations.options import (
    Json,
)
from capsule.cli.terminal.console import Console


def list_(json: Json = False) -> int:
    """Show how much there is, and when it was last used.

    There is a row for each kind of entry: generic and task snapshots, compiled modules (host),
    matplotlib's data, packages and their modules (compiled), plans: what reading a file gave, and
    how it was started, the code of capsule's own modules, the artifacts of batches over an engine,
    the states of sessions that are open, and those that have handles (states), which prune leaves
    alone. With --json it is an array with an object for each entry: kind, size in bytes, path, and
    used, the time in seconds since 1970.

    Example:

      capsule cache list
    """
    from capsule.cli.commands import cache

    return cache.list_entries(Console(), as_json=json)


def prune(
    older_than: Annotated[
        str | None,
        typer.Option(metavar="DAYS", help="What was not used for so long.", show_default="30"),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="The longest unused, until what is left is no more than this: 500MB, 2GB.",
            show_default="2GB",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, what was just used too.")
    ] = False,
    json: Json = False,
) -> int:
    """Delete what has not been used for long; what was used in the last minute stays.

    Nothing is lost but time: the next run makes again what it needs. But a state that has a handle
    (of capsule mcp, or of LangChain with a checkpointer) cannot go on once the snapshot that it was
    made from is deleted, by --all, its age or the size. With --json it says what is deleted, entry
    by entry, and how many bytes are freed.

    Examples:

      capsule cache prune

      capsule cache prune --older-than 90 --max-size 10GB
    """
    from capsule.cli.commands import cache

    asked = cache.Prune(older_than, max_size, everything, json)
    return cache.prune(Console(), asked)
