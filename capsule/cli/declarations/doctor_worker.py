"""`capsule doctor`, `capsule worker` and `capsule repl`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declarations.options import (
    Json,
    MaxFuel,
    MaxRam,
    MountOption,
    NoEnv,
    NoFiles,
    NoNet,
    SecretOption,
    Timeout,
    Untrusted,
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
    max_sessions: Annotated[
        int,
        typer.Option(
            "--max-sessions",
            metavar="N",
            min=0,
            help="Have so many sessions open at most, of all programs together.",
            show_default="32",
        ),
    ] = 32,
    max_fuel: MaxFuel = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    no_net: NoNet = False,
    no_files: NoFiles = False,
    no_env: NoEnv = False,
    untrusted: Untrusted = False,
) -> int:
    """Run tasks for other programs: JSON lines on stdin, an answer for each on stdout.

    A line is an object with id, file, args, kwargs, and mounts, cwd and limits where they are
    needed. An answer is an object with the id and the envelope as output, or an error. Other lines
    open sessions and run code in them, tell of output while it is printed, cancel, and answer calls
    of functions that the program offers. The worker ends with its stdin; one that listens ends at
    Ctrl-C or SIGTERM. The limits hold for all that lines ask for.

    Example:

      echo '{"id": 1, "file": "hello.py", "args": [3]}' | capsule worker
    """
    from capsule.cli.commands.worker import Options, command
    from capsule.policy.caller_limits import Limits

    limits = Limits(max_fuel, max_ram, timeout, no_net, no_files, no_env, untrusted)
    return command(Options(socket, listen, max_sessions, limits), Console())


def repl(
    state_file: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="Go on from the session in FILE, if it is there, and write it at the end.",
        ),
    ] = None,
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", metavar="MODULE", help="Have MODULE in memory from the start."),
    ] = None,
    max_ram: MaxRam = None,
    timeout: Timeout = None,
    mount: MountOption = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="HOST", help="Allow HTTP requests to HOST."),
    ] = None,
    secret: SecretOption = None,
) -> int:
    """Run code line by line, each piece in a process of its own: a session.

    Variables, functions and files stay from one to the next. Figures are written to files.
    Ctrl-C ends what runs, and not the session; :help says what else there is.

    Examples:

      echo '6 * 7' | capsule repl

      echo 'import math; math.pi' | capsule repl --state work.session
    """
    from capsule.cli.commands.repl import Asked, command

    said = (imports, allow_host, mount, secret)
    modules, hosts, mounts, secrets = (tuple(each or ()) for each in said)
    return command(Console(), Asked(state_file, max_ram, timeout, modules, hosts, mounts, secrets))
