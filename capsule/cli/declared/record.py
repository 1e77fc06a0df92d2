"""`capsule ps` and `capsule trace`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declared.options import (
    Json,
)
from capsule.cli.screen import Screen


def ps(
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Go on until Ctrl-C; in a pipe, a line per change."),
    ] = False,
    json: Json = False,
) -> int:
    """Show what runs now, with the tasks that it called and their limits."""
    from capsule.cli.ps import command

    return command(Screen(), as_json=json, watch=watch)


def trace(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run's id, its beginning, or latest."),
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Those that are completed, failed, ...")
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Those of a task.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Those of the last 30m, 1h, 7d.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At most so many. Default: 20.")
    ] = None,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write one run as a page to a file.")
    ] = None,
    json: Json = False,
) -> int:
    """Show what ran, how it ended and what it used: the last runs, or all of one.

    Examples:

      capsule trace --state failed --since 1h

      capsule trace latest
    """
    from capsule.cli.trace import Options, command

    return command(Options(run, state, task, since, limit, json, html), Screen())
