"""`capsule run`, `exec` and `build`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from capsule.cli.declarations.options import (
    AllowHost,
    Args,
    ArgsFile,
    ArgsJson,
    Code,
    Concurrency,
    EngineOption,
    Env,
    Json,
    JsonEnvelope,
    Map,
    MaxFuel,
    MaxRam,
    Module,
    MountOption,
    NoEnv,
    NoFiles,
    NoNet,
    Package,
    Quiet,
    Result,
    Resume,
    SecretOption,
    Spread,
    StateFile,
    Stdin,
    Timeout,
    Untrusted,
    Verbose,
)
from capsule.cli.terminal.console import Console

# The field of each option that can be said again.
_REPEATED = {
    "mount": "mounts",
    "secret": "secrets",
    "allow_host": "allow_hosts",
    "env": "env_names",
    "package": "packages",
}


def _run_or_exec(
    file: str | None,
    args: list[str] | None,
    *,
    artifact: bool,
    **said: Any,
) -> int:
    """Start what `run` and `exec` are both for; all else that was said goes by its own name."""
    words = args or []
    if file is not None and not (said.get("code") is said.get("module") is None):
        # As for Python: what follows are words of the program.
        words, file = [file, *words], None
    for option, field in _REPEATED.items():
        said[field] = tuple(said.pop(option, None) or ())
    from capsule.cli.commands.run import command
    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import of_this_program

    options = Options(file, words, artifact=artifact, **said)
    return command(options, of_this_program(Console()))


def run(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A task file, or - for a source on stdin.",
            show_default="the entrypoint of capsule.toml",
        ),
    ] = None,
    args: Args = None,
    code: Code = None,
    module: Module = None,
    args_json: ArgsJson = None,
    args_file: ArgsFile = None,
    json: JsonEnvelope = False,
    result: Result = False,
    max_fuel: MaxFuel = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    mount: MountOption = None,
    secret: SecretOption = None,
    allow_host: AllowHost = None,
    env: Env = None,
    package: Package = None,
    no_net: NoNet = False,
    no_files: NoFiles = False,
    no_env: NoEnv = False,
    untrusted: Untrusted = False,
    map_file: Map = None,
    concurrency: Concurrency = None,
    resume: Resume = None,
    engine: EngineOption = None,
    spread: Spread = False,
    stdin: Stdin = False,
    state_file: StateFile = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Run a task and print its envelope.

    The task named main runs, or a plain def main, or the only task of the file, in a sandbox
    process of its own. What it prints goes to stderr as it happens. --max-fuel, --max-ram,
    --timeout, --no-net, --no-files, --no-env and --untrusted only ever narrow what the task may
    use; capsule inspect says what that is. Put -- before
    arguments that begin with a dash.

    Examples:

      capsule run hello.py 3

      echo 'def main(): return 2 ** 100' | capsule run - --result

      capsule run job.py --args-file args.json --timeout 10s

      capsule run -c "import statistics; statistics.mean([1, 2, 6])" --result

      capsule run job.py --map items.jsonl > results.jsonl
    """
    return _run_or_exec(**locals(), artifact=False)


def exec_(
    artifact: Annotated[
        str, typer.Argument(metavar="ARTIFACT.wasm", help="A file from build --export.")
    ],
    args: Args = None,
    args_json: ArgsJson = None,
    args_file: ArgsFile = None,
    json: JsonEnvelope = False,
    result: Result = False,
    max_fuel: MaxFuel = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    mount: MountOption = None,
    secret: SecretOption = None,
    no_net: NoNet = False,
    no_files: NoFiles = False,
    no_env: NoEnv = False,
    untrusted: Untrusted = False,
    map_file: Map = None,
    concurrency: Concurrency = None,
    resume: Resume = None,
    engine: EngineOption = None,
    spread: Spread = False,
    stdin: Stdin = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Run an exported task, with the policy it was built with, and print its envelope.

    The artifact is a stranger's: data is taken from it, never code that runs outside of a sandbox,
    and its policy is bound by the ceilings of the project that you are in. Put -- before arguments
    that begin with a dash.

    Example:

      capsule build --export hello.py && capsule exec hello.wasm 3
    """
    said = locals()
    return _run_or_exec(said.pop("artifact"), **said, artifact=True)


def inspect(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A task file, an artifact, or - for a source on stdin.",
            show_default="the entrypoint of capsule.toml",
        ),
    ] = None,
    mount: MountOption = None,
    secret: SecretOption = None,
    max_fuel: MaxFuel = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    no_net: NoNet = False,
    no_files: NoFiles = False,
    no_env: NoEnv = False,
    untrusted: Untrusted = False,
    json: Json = False,
) -> int:
    """Say what a file asks for and what it would get here, and by whose word.

    Nothing of the file runs, and nothing is fetched. Each task is listed with its limits, folders,
    hosts and variables, with the options that run would be given. The exit code is 0 where it could
    run, and 2 where it would be refused. With --json it is an object with the tasks, each with what
    it asks for and gets.

    Examples:

      capsule inspect job.py

      capsule inspect job.py --untrusted --json > rights.json
    """
    from capsule.cli.commands.inspect import command
    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import of_this_program

    said = locals()
    kept = {name: said[name] for name in Options._fields if name in said and name != "file"}
    kept |= {"mounts": tuple(mount or ()), "secrets": tuple(secret or ())}
    options = Options(file, [], **kept)
    return command(options, of_this_program(Console()))


def build(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A task file.",
            show_default="the entrypoint of capsule.toml",
        ),
    ] = None,
    export: Annotated[
        bool, typer.Option("--export", help="Write an artifact, which exec runs, beside the file.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.wasm",
            help="With --export: where to write the artifact.",
            show_default="FILE.wasm",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Snapshot a task ahead of time; with --export, write it to a file that runs elsewhere.

    The first run of a file takes the snapshot by itself. With --json it says where the artifact is,
    how large, and why there is no snapshot if there is none.

    Examples:

      capsule build hello.py

      capsule build --export hello.py -o hello-1.wasm
    """
    from capsule.cli.commands.build import Options, command

    return command(Options(file, export, output, json, quiet), Console())
