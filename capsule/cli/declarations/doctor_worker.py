"""`capsule doctor` and `capsule worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declarations.options import (
    Json,
)
from capsule.cli.terminal.console import Console


def doctor(json: Json = False) -> int:
    """Say what works on this machine, and what to do about the rest.

    It looks at the folder of capsule's state, the program that downloads, the toolchain, the walls
    of the operating system, the cache, the record of runs and the worker, and runs a task. With
    --json it is an array with an object for each: name, state, found, remedy.

    Example:

      capsule doctor
    """
    from capsule.cli.commands.doctor import command

    return command(Console(), as_json=json)


def worker(
    socket: Annotated[
        str | None,
        typer.Option(
            "--socket",
            metavar="PATH",
            help="Listen on a private Unix socket at PATH, in place of stdin and stdout.",
        ),
    ] = None,
    listen: Annotated[
        bool,
        typer.Option(
            "--listen",
            help="Listen where run and exec look for a worker, and run what they hand over too.",
        ),
    ] = False,
) -> int:
    """Run tasks for other programs: JSON lines on stdin, an answer for each on stdout.

    A line is an object with id, file, args, kwargs, and mounts, cwd and limits where they are
    needed. An answer is an object with the id and the envelope as output, or an error. The worker
    ends with its stdin; one that listens ends at Ctrl-C or SIGTERM.

    Example:

      echo '{"id": 1, "file": "hello.py", "args": [3]}' | capsule worker
    """
    from capsule.cli.commands.worker import Options, command

    return command(Options(socket, listen), Console())
