"""`capsule ps` and `capsule trace`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declarations.options import (
    Json,
)
from capsule.cli.terminal.console import Console


def ps(
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            "-w",
            help="Go on until Ctrl-C: redrawn on a terminal, a line of JSON per change elsewhere.",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Show what runs now, with the tasks that it called and their limits.

    All runs of this user are shown: of the command, of a worker and of Python programs.

    Examples:

      capsule ps

      capsule ps --json
    """
    from capsule.cli.commands.ps import command

    return command(Console(), as_json=json, watch=watch)


def trace(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's id, a beginning of it that no other has, or latest.",
            show_default="a list of runs, the newest first",
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="Only runs that are created, running, completed, failed, timed_out or cancelled.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of a task.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only runs that began in the last 30s, 10m, 1h, 7d."),
    ] = None,
    limit: Annotated[
        str | None, typer.Option(metavar="N", help="At most so many runs.", show_default="20")
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write one run as a page to a file; - for stdout."),
    ] = None,
    json: Json = False,
) -> int:
    """Show what ran, how it ended and what it used: the last runs, or all of one.

    Of one run it shows each attempt with its time, fuel and memory, the limits, requests, output
    and errors.

    Examples:

      capsule trace --state completed --since 1h

      capsule trace latest

      capsule trace latest --html run.html
    """
    from capsule.cli.commands.trace import Options, command

    return command(Options(run, state, task, since, limit, json, html), Console())
