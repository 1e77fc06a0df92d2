"""`capsule mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declarations.options import MountOption, SecretOption
from capsule.cli.terminal.console import Console


def mcp(
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="HOST",
            help="Allow HTTP requests to HOST: api.example.com, *.example.com, localhost:8080;"
            " repeatable.",
            show_default=False,
        ),
    ] = None,
    mount: MountOption = None,
    secret: SecretOption = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="NAME", help="Show this variable; repeatable.", show_default=False
        ),
    ] = None,
    package: Annotated[
        list[str] | None,
        typer.Option(
            "--package",
            metavar="REQUIREMENT",
            help="Install this for all code, as pip names it; repeatable.",
            show_default=False,
        ),
    ] = None,
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", metavar="MODULE", help="Have MODULE in memory from the start."),
    ] = None,
    compute: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="At most this compute in a call: LOW (1e8 units), MEDIUM (2e9), HIGH (5e10), or"
            " units, up to 1e14.",
            show_default="HIGH",
        ),
    ] = None,
    ram: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="At most this memory: 64MB, 2GB, counted by 1024; the interpreter takes 40 MB.",
            show_default="1GB",
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="At most this long for a call, by the clock on the wall: 500ms, 30s, 5m.",
            show_default="50s",
        ),
    ] = None,
) -> int:
    """Serve the Model Context Protocol on stdin and stdout: agents run Python, under limits.

    A client starts it, and gets a tool, run_python, whose description says what is granted here:
    nothing but a private folder, unless options say more. Each call is a sandbox of its own; state
    goes from one to the next by handles. It needs the package mcp: pip install 'mcp>=2,<3'.

    docs/mcp.md has the settings of clients.

    Example:

      capsule mcp --help
    """
    from capsule.cli.commands.mcp import command
    from capsule.mcp.server_grants import ServerGrants

    lists = (allow_host, mount, secret, env, package, imports)
    hosts, mounts, secrets, names, packages, modules = (tuple(each or ()) for each in lists)
    said = ServerGrants(hosts, mounts, secrets, names, packages, modules, compute, ram, timeout)
    return command(said, Console())
