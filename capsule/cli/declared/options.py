"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of progress.")]

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
