"""`capsule bench`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declarations.options import Args, ArgsJson, Json, Quiet
from capsule.cli.terminal.console import Console


def bench(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A task file, or an artifact.")],
    args: Args = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="NAME", help="This task.", show_default="the one that runs"),
    ] = None,
    args_json: ArgsJson = None,
    seconds: Annotated[
        str | None,
        typer.Option(
            "--seconds", metavar="N", help="Measure for so many seconds.", show_default="10"
        ),
    ] = None,
    concurrency: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="So many runs at once.",
            show_default="one for each processor",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure how many runs of a task this machine does a second.

    The task runs again and again with the same arguments: alone, each time in a new process, which
    says how long it takes to start and to run, and then several at once, with processes that wait
    for their run. What limits it is told by how busy the processors are, and with whom. The exit
    code is 1 where a run failed. With --json it is an object: times in milliseconds, memory in
    bytes.

    Examples:

      capsule bench hello.py 3 --seconds 2

      capsule bench job.py --args '[5]' --seconds 2 --json
    """
    from capsule.cli.commands.bench import BenchOptions, command
    from capsule.cli.runtime.context import of_this_program

    said = BenchOptions(file, args or [], task, args_json, seconds, concurrency, json, quiet)
    return command(said, of_this_program(Console()))
