"""The command line: every command by its name, in the order in which help lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from capsule.cli.declarations import (
    bench,
    cache,
    doctor_worker,
    help_,
    history,
    mcp,
    run,
    toolchain,
)
from capsule.cli.grammar import help as help_text
from capsule.cli.grammar.command_model import described
from capsule.cli.terminal.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable


class _Command(TyperCommand):
    """A command whose help is ours."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option that shows it."""
        return _showing(super().get_help_option(ctx))


class _Group(TyperGroup):
    """A group whose help is ours."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option that shows it."""
        return _showing(super().get_help_option(ctx))


def _showing(option: Any) -> Any:
    option.callback = _show_help
    return option


def _show_help(ctx: Any, _option: Any, asked: bool) -> None:
    if asked:
        # As everything else is printed, for whoever fills a disk or reads only the first line.
        Console().out(help_text.text(described(ctx.command, ctx.command_path.split()[1:])))
        raise typer.Exit


app = typer.Typer(
    name="capsule",
    cls=_Group,
    help="Run Python that you do not trust: each call in its own sandbox process.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_toolchain = typer.Typer(cls=_Group, help="The pinned parts that capsule runs on.")
_cache = typer.Typer(cls=_Group, help="What was made to start faster: all of it can be made again.")


def _version(asked: bool) -> None:
    if asked:
        from capsule import __version__

        Console().out(f"capsule {__version__}")
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


_COMMANDS: tuple[tuple[typer.Typer, str, Callable[..., int]], ...] = (
    (app, "run", run.run),
    (app, "exec", run.exec_),
    (app, "build", run.build),
    (app, "inspect", run.inspect),
    (app, "bench", bench.bench),
    (app, "ps", history.ps),
    (app, "trace", history.trace),
    (app, "doctor", doctor_worker.doctor),
    (app, "worker", doctor_worker.worker),
    (app, "repl", doctor_worker.repl),
    (app, "mcp", mcp.mcp),
    (app, "completion", help_.completion),
    (app, "help", help_.help_),
    (_toolchain, "install", toolchain.install),
    (_toolchain, "list", toolchain.list_),
    (_toolchain, "verify", toolchain.verify),
    (_toolchain, "export", toolchain.export),
    (_toolchain, "import", toolchain.import_),
    (_toolchain, "remove", toolchain.remove),
    (_cache, "list", cache.list_),
    (_cache, "prune", cache.prune),
)
for _group, _name, _function in _COMMANDS:
    _group.command(_name, cls=_Command)(_function)
app.add_typer(_toolchain, name="toolchain")
app.add_typer(_cache, name="cache")
