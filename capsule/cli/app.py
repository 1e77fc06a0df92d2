"""The command line: every command by its name, in the order in which help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from capsule.cli.declared import cache, machine, record, run, toolchain
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


app.command()(run.run)
app.command("exec")(run.exec_)
app.command()(run.build)
app.command()(machine.doctor)
app.command()(record.ps)
app.command()(record.trace)
app.command()(machine.worker)
toolchain_app.command()(toolchain.install)
toolchain_app.command("list")(toolchain.list_)
toolchain_app.command()(toolchain.verify)
toolchain_app.command()(toolchain.export)
toolchain_app.command("import")(toolchain.import_)
toolchain_app.command()(toolchain.remove)
cache_app.command("list")(cache.list_)
cache_app.command()(cache.prune)
