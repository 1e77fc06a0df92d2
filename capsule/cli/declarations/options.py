"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON to stdout, for an error too.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of progress.")]

Args = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ARGS",
        help="Arguments of the task: values of the types that its parameters are annotated with"
        " (int, float, bool, list, dict, and null for None), else strings.",
        show_default=False,
    ),
]
ArgsJson = Annotated[
    str | None,
    typer.Option(
        "--args",
        metavar="JSON",
        help="Take the arguments from JSON: an array (positional) or object (keywords), of values"
        " of any type.",
    ),
]
ArgsFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Take them from a file with such JSON; - for stdin.",
    ),
]
JsonEnvelope = Annotated[
    bool,
    typer.Option(
        "--json", help="Print the envelope as one line, on a terminal and for an error too."
    ),
]
Result = Annotated[
    bool,
    typer.Option(
        "--result",
        help="Print the bare result: a string without quotes, all else as JSON.",
    ),
]
MaxFuel = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="At most this compute: LOW (1e8 units), MEDIUM (2e9), HIGH (5e10), or units like"
        " 50_000_000, up to 1e14.",
        show_default="what the task may use",
    ),
]
MaxRam = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="At most this memory: 64MB, 1GB, counted by 1024; the interpreter takes 40 MB.",
        show_default="what the task may use",
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="At most this long, by the clock on the wall: 500ms, 30s, 5m, 1h.",
        show_default="what the task may take",
    ),
]
MountOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mount",
        metavar="PATH[::GUEST][:ro|:rw]",
        help="Add any folder or file, at / under its own name or at GUEST. A folder is read-write"
        " unless :ro is said, a file read-only unless :rw is; repeatable.",
        show_default=False,
    ),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME[=VARIABLE]@HOST",
        help="Let it use the value of a variable of yours in requests to HOST without reading it:"
        " NAME holds a placeholder, which becomes the value in headers and in the query, over TLS"
        " or to loopback. It does not allow HOST; repeatable.",
        show_default=False,
    ),
]
NoNet = Annotated[bool, typer.Option("--no-net", help="Allow no hosts.")]
NoFiles = Annotated[bool, typer.Option("--no-files", help="Allow no folders.")]
NoEnv = Annotated[bool, typer.Option("--no-env", help="Show no variables.")]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="Grant nothing that the file asks for: no folders, hosts, variables, retries; at"
        " most 512 MB and 30 s. What --mount and --secret add holds.",
    ),
]
Stdin = Annotated[
    bool,
    typer.Option(
        "--stdin", help="Hand the command's stdin to the task as its sys.stdin: at most 64 MiB."
    ),
]
Code = Annotated[
    str | None,
    typer.Option(
        "-c",
        metavar="CODE",
        help="Run this source as __main__, in place of a file: what its last expression gives is"
        " the result; without one, its main is called. Words are sys.argv[1:], or its arguments.",
        show_default=False,
    ),
]
Module = Annotated[
    str | None,
    typer.Option(
        "-m",
        metavar="MODULE",
        help="Run a module of the folder that you are in the same way, by its dotted name.",
        show_default=False,
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host",
        metavar="HOST",
        help="With -c or a source on stdin: let it reach this host, as allowed_hosts names it;"
        " repeatable.",
        show_default=False,
    ),
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME",
        help="With -c or a source on stdin: show it this variable; repeatable.",
        show_default=False,
    ),
]
Package = Annotated[
    list[str] | None,
    typer.Option(
        "--package",
        metavar="REQUIREMENT",
        help="With -c or a source on stdin: install this for it, as pip names it; repeatable.",
        show_default=False,
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each task's life as it happens, on stderr.")
]

Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Run the task for each line of a file of JSON, and print a line for each; - for"
        " stdin. An item is one argument, and blank lines are none.",
    ),
]
Spread = Annotated[
    bool,
    typer.Option(
        "--spread",
        help="With --map: an item that is a list is the positional arguments, one that is an object"
        " the keywords.",
    ),
]
StateFile = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="With -c, or source on stdin: a turn of the session in FILE, which is made if it is"
        " missing, and replaced once the turn is kept. Its compute is HIGH, unless --max-fuel"
        " says less.",
    ),
]
Concurrency = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="With --map: so many runs at once.",
        show_default="one for each processor",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="With --map: leave out what has succeeded in FILE, an earlier output.",
    ),
]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="With --map: run on a cluster, dask=ADDRESS, ray or ray=ADDRESS.",
        show_default="this machine",
    ),
]
