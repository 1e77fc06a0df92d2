"""`capsule run`, `exec` and `build`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from capsule.cli.declared.options import (
    Args,
    ArgsFile,
    Concurrency,
    Json,
    JsonEnvelope,
    Map,
    MaxFuel,
    MaxRam,
    MountOption,
    NoFiles,
    NoNet,
    Quiet,
    Result,
    Resume,
    Timeout,
    Verbose,
)
from capsule.cli.screen import Screen


def _run_or_exec(
    file: str | None,
    args: list[str] | None,
    mount: list[str] | None,
    *,
    artifact: bool,
    **said: Any,
) -> int:
    """Start what `run` and `exec` are both for; all else that was said goes by its own name."""
    from capsule.cli.options import Options
    from capsule.cli.run import command
    from capsule.cli.surroundings import of_this_program

    options = Options(file, args or [], mounts=tuple(mount or ()), artifact=artifact, **said)
    return command(options, of_this_program(Screen()))


def run(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A task file, or - for stdin. Default: the entrypoint of capsule.toml.",
            show_default=False,
        ),
    ] = None,
    args: Args = None,
    args_file: ArgsFile = None,
    json: JsonEnvelope = False,
    result: Result = False,
    max_fuel: MaxFuel = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    mount: MountOption = None,
    no_net: NoNet = False,
    no_files: NoFiles = False,
    map_file: Map = None,
    concurrency: Concurrency = None,
    resume: Resume = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Run a task and print its envelope.

    Examples:

      capsule run hello.py 3

      echo 'def main(): return 2 ** 100' | capsule run - --result

      capsule run job.py --args-file args.json --timeout 10s

      capsule run job.py --map items.jsonl > results.jsonl

    Put -- before arguments that begin with a dash.
    """
    return _run_or_exec(**locals(), artifact=False)


def exec_(
    artifact: Annotated[
        str, typer.Argument(metavar="ARTIFACT", help="A file from build --export.")
    ],
    args: Args = None,
    args_file: ArgsFile = None,
    json: JsonEnvelope = False,
    result: Result = False,
    max_fuel: MaxFuel = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    mount: MountOption = None,
    no_net: NoNet = False,
    no_files: NoFiles = False,
    map_file: Map = None,
    concurrency: Concurrency = None,
    resume: Resume = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Run an exported task, with the policy it was built with, and print its envelope.

    Example:

      capsule build --export hello.py && capsule exec hello.wasm 3

    Put -- before arguments that begin with a dash.
    """
    said = locals()
    return _run_or_exec(said.pop("artifact"), **said, artifact=True)


def build(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A task file. Default: the entrypoint of capsule.toml.",
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        bool, typer.Option("--export", help="Write an artifact, FILE.wasm, that exec runs.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="OUT", help="Where to write it.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Snapshot a task ahead of time; with --export, write it to a file that runs elsewhere.

    Example:

      capsule build --export hello.py -o dist/hello.wasm
    """
    from capsule.cli.build import Options, command

    return command(Options(file, export, output, json, quiet), Screen())
