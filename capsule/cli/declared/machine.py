"""`capsule doctor` and `capsule worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declared.options import (
    Json,
)
from capsule.cli.screen import Screen


def doctor(json: Json = False) -> int:
    """Say what works on this machine, and what to do about the rest."""
    from capsule.cli.doctor import command

    return command(Screen(), as_json=json)


def worker(
    socket: Annotated[
        str | None,
        typer.Option("--socket", metavar="PATH", help="Listen on a private Unix socket instead."),
    ] = None,
    listen: Annotated[
        bool,
        typer.Option("--listen", help="Listen where run and exec look for it, and serve them too."),
    ] = False,
) -> int:
    """Run tasks for other programs: JSON lines on stdin, an answer for each on stdout.

    Example:

      echo '{"id": 1, "file": "hello.py", "args": [3]}' | capsule worker
    """
    from capsule.cli.worker import Options, command

    return command(Options(socket, listen), Screen())
