"""`capsule completion` and `capsule help`."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.terminal.console import Console


def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="One of bash, zsh and fish.")],
) -> int:
    """Print the script that completes commands in a shell.

    It completes commands, options and their values, files that a command can take, folders, and out
    of the record the names of runs and tasks. For bash, put the example into ~/.bashrc. For zsh,
    write the script to a file _capsule in a folder of fpath; for fish, to
    ~/.config/fish/completions/capsule.fish.

    Examples:

      eval "$(capsule completion bash)"

      capsule completion zsh > _capsule

      capsule completion fish > capsule.fish
    """
    from capsule.cli.commands.completion import command

    return command(shell, Console())


def help_(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="The command.", show_default="capsule itself"),
    ] = None,
) -> int:
    """Show the help of a command, as its --help does.

    Examples:

      capsule help run

      capsule help toolchain export
    """
    from capsule.cli.commands.help import show
    from capsule.cli.grammar.command_model import described

    return show(command or [], described(context.find_root().command, ()), Console())
