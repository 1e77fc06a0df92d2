"""`capsule toolchain`, a command for each thing to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsule.cli.declared.options import (
    Json,
    Quiet,
)
from capsule.cli.screen import Screen


def install(
    science: Annotated[
        bool, typer.Option("--science", help="Compile the scientific interpreter too.")
    ] = False,
    quiet: Quiet = False,
) -> int:
    """Download, check and compile what is missing; repair what is damaged."""
    from capsule.cli import toolchain

    return toolchain.install(Screen(), science=science, quiet=quiet)


def list_(json: Json = False) -> int:
    """Show the parts, their versions, sizes and states."""
    from capsule.cli import toolchain

    return toolchain.list_parts(Screen(), as_json=json)


def verify(json: Json = False) -> int:
    """Hash every file and compare."""
    from capsule.cli import toolchain

    return toolchain.verify(Screen(), as_json=json)


def export(
    file: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)],
    quiet: Quiet = False,
) -> int:
    """Write what this machine has into one file, for machines without a package index."""
    from capsule.cli import toolchain

    return toolchain.export(Screen(), file, quiet=quiet)


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


def remove(quiet: Quiet = False) -> int:
    """Remove every toolchain, of this version and of older ones."""
    from capsule.cli import toolchain

    return toolchain.remove(Screen(), quiet=quiet)
