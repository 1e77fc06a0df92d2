"""The commands and their options, as typer declares them; what they do is in the modules beside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from capsule.cli.screen import Screen

app = typer.Typer(
    name="capsule",
    help="Run Python that you do not trust: each call in its own sandbox process.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
toolchain_app = typer.Typer(help="The pinned parts that capsule runs on.", no_args_is_help=True)
app.add_typer(toolchain_app, name="toolchain")
cache_app = typer.Typer(
    help="What was made to start faster: all of it can be made again.", no_args_is_help=True
)
app.add_typer(cache_app, name="cache")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of progress.")]


def _version(asked: bool) -> None:
    if asked:
        from capsule import __version__

        Screen().out(f"capsule {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


Args = Annotated[
    list[str] | None,
    typer.Argument(metavar="ARGS", help="Arguments of the task, as strings.", show_default=False),
]
ArgsFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="A JSON array or object of arguments of any type; - for stdin."
    ),
]
JsonEnvelope = Annotated[bool, typer.Option("--json", help="Print the envelope as one line.")]
Result = Annotated[bool, typer.Option("--result", help="Print the bare result.")]
MaxFuel = Annotated[
    str | None, typer.Option(metavar="N", help="At most this compute: LOW to HIGH, or units.")
]
MaxRam = Annotated[
    str | None, typer.Option(metavar="SIZE", help="At most this memory: 256MB, 1GB.")
]
Timeout = Annotated[
    str | None, typer.Option(metavar="TIME", help="At most this long: 500ms, 30s, 5m.")
]
MountOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mount",
        metavar="HOST[::GUEST][:ro|:rw]",
        help="Add a folder of the project; repeatable.",
        show_default=False,
    ),
]
NoNet = Annotated[bool, typer.Option("--no-net", help="Allow no hosts.")]
NoFiles = Annotated[bool, typer.Option("--no-files", help="Allow no folders.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each task's life as it happens.")
]

Map = Annotated[
    str | None,
    typer.Option(
        "--map", metavar="FILE", help="A run for each line of JSON in a file; - for stdin."
    ),
]
Concurrency = Annotated[
    str | None, typer.Option(metavar="N", help="With --map: so many runs at once.")
]
Resume = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="With --map: leave out what is done in an earlier output."),
]


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


@app.command()
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


@app.command("exec")
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


@app.command()
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


@app.command()
def doctor(json: Json = False) -> int:
    """Say what works on this machine, and what to do about the rest."""
    from capsule.cli.doctor import command

    return command(Screen(), as_json=json)


@app.command()
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


@app.command()
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


@app.command()
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


@toolchain_app.command()
def install(
    science: Annotated[
        bool, typer.Option("--science", help="Compile the scientific interpreter too.")
    ] = False,
    quiet: Quiet = False,
) -> int:
    """Download, check and compile what is missing; repair what is damaged."""
    from capsule.cli import toolchain

    return toolchain.install(Screen(), science=science, quiet=quiet)


@toolchain_app.command("list")
def list_(json: Json = False) -> int:
    """Show the parts, their versions, sizes and states."""
    from capsule.cli import toolchain

    return toolchain.list_parts(Screen(), as_json=json)


@toolchain_app.command()
def verify(json: Json = False) -> int:
    """Hash every file and compare."""
    from capsule.cli import toolchain

    return toolchain.verify(Screen(), as_json=json)


@toolchain_app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)],
    quiet: Quiet = False,
) -> int:
    """Write what this machine has into one file, for machines without a package index."""
    from capsule.cli import toolchain

    return toolchain.export(Screen(), file, quiet=quiet)


@toolchain_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file from export.", show_default=False)],
    science: Annotated[
        bool, typer.Option("--science", help="Compile the scientific interpreter too.")
    ] = False,
    quiet: Quiet = False,
) -> int:
    """Take the parts from a file, check them, and prepare them without a network."""
    from capsule.cli import toolchain

    return toolchain.import_(Screen(), file, science=science, quiet=quiet)


@toolchain_app.command()
def remove(quiet: Quiet = False) -> int:
    """Remove every toolchain, of this version and of older ones."""
    from capsule.cli import toolchain

    return toolchain.remove(Screen(), quiet=quiet)


@cache_app.command("list")
def list_cache(json: Json = False) -> int:
    """Show how much there is, and when it was last used."""
    from capsule.cli import cache

    return cache.list_entries(Screen(), as_json=json)


@cache_app.command()
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
