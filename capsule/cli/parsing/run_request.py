"""What a command line of `run` and `exec` means: a task's code and a call."""

from __future__ import annotations

from pathlib import Path

from capsule.cli.parsing.task_arguments import from_command_line, read_stdin
from capsule.errors import UsageError
from capsule.message_text import printable
from capsule.namedtuples import NamedTuple
from capsule.policy.caller_limits import (
    Limits,
    caller_grants,
    caller_limits,
    caller_secrets,
    mount_rules,
)
from capsule.runner import prepare
from capsule.runner.source import entry_of, read_artifact, read_file, read_module, read_text
from capsule.shared.frames import MAX_BODY
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context
    from capsule.policy.resolve import Grants
    from capsule.runner.source import Source

_MAX_SOURCE = 10 << 20


class RunRequest(NamedTuple):
    """What a command line means: a task's code, a call, and where capsule keeps its state."""

    source: Source
    call: prepare.Call
    home: Path


def read_request(options: Options, context: Context, command: str | None = None) -> RunRequest:
    """Return what a command line means; `command` is what messages propose to type.

    Raises `CapsuleError` for what is wrong with it.
    """
    if options.json and options.result:
        raise UsageError("--json and --result exclude each other", hint="leave one of them out")
    if options.verbose and options.quiet:
        raise UsageError("--verbose and --quiet exclude each other", hint="leave one of them out")
    many = options.spread or options.concurrency or options.resume or options.engine
    if options.map_file is None and many:
        raise UsageError(
            "--concurrency, --engine, --resume and --spread go with --map", hint="--map FILE.jsonl"
        )
    by_option = not (options.args_json is options.args_file is None)
    if options.map_file is not None and (options.args or by_option):
        raise UsageError(
            "--map takes the arguments from its file", hint="each line is the arguments of a run"
        )
    limits = caller_limits(said_limits(options), flags=True)
    home = checked_root(context.environ)
    _check_sources(options)
    grants = _grants(options)
    source = _read(options, context, home, command)
    if options.packages:
        wanted = (*source.bundle.dependencies, *options.packages)
        source = source._replace(bundle=source.bundle._replace(dependencies=wanted))
    parameters = entry_of(source).parameters if options.args else ()
    arguments = from_command_line(options, parameters, context)
    call = prepare.Call(
        arguments.args,
        arguments.kwargs,
        limits,
        mount_rules(options.mounts, context.working_folder(), "--mount") if options.mounts else (),
        context.environ,
        grants,
        _stdin(context) if options.stdin else None,
        caller_secrets(options.secrets, context.working_folder(), "--secret")
        if options.secrets
        else (),
    )
    return RunRequest(source, call, home)


def said_limits(options: Options) -> Limits:
    """Return the limits that a command line says, as text."""
    return Limits(
        options.max_fuel,
        options.max_ram,
        options.timeout,
        options.no_net,
        options.no_files,
        options.no_env,
        options.untrusted,
    )


def source_on_stdin(context: Context) -> bytes:
    """Return the source that comes on stdin. Raises `UsageError` for one that is too long."""
    source = read_stdin(_MAX_SOURCE + 1, context)
    if len(source) > _MAX_SOURCE:
        raise UsageError(f"the source on stdin has more than {_MAX_SOURCE:,} bytes")
    return source


def _check_sources(options: Options) -> None:
    """Refuse more than one source, and stdin that more than one thing is read from."""
    sources = {"-c": options.code, "-m": options.module}
    if None not in sources.values():
        raise UsageError("-c and -m exclude each other", hint="leave one of them out")
    readers = {
        "the source": options.file == "-",
        "the --args-file": options.args_file == "-",
        "the --map file": options.map_file == "-",
        "the task's own, by --stdin": options.stdin,
    }
    first, second, *_ = [*(name for name, reads in readers.items() if reads), "", ""]
    if second:
        raise UsageError(f"stdin cannot be both {first} and {second}")
    if options.stdin and options.map_file is not None:
        raise UsageError("--stdin is for one run, and --map makes many")


def _grants(options: Options) -> Grants:
    """Return what the caller grants to a source that is the caller's own words.

    Raises `UsageError` for a file, whose policy stands in it.
    """
    given = {
        "--allow-host": (options.allow_hosts, "allowed_hosts=[{}] in its @task"),
        "--env": (options.env_names, "env_variables=[{}] in its @task"),
        "--package": (options.packages, "dependencies = [{}] in its # /// script"),
    }
    own_words = options.code is not None or (options.file == "-" and options.module is None)
    for option, (values, place) in given.items():
        if values and not own_words:
            listed = ", ".join(f'"{printable(value)}"' for value in values)
            raise UsageError(
                f"{option} grants to -c and to a source on stdin; what a file may use stands in it",
                hint=place.format(listed),
            )
    return caller_grants(options.allow_hosts, options.env_names)


def _stdin(context: Context) -> bytes:
    data = read_stdin(MAX_BODY + 1, context)
    if len(data) > MAX_BODY:
        raise UsageError(
            f"--stdin: more than {MAX_BODY:,} bytes", hint="a file in a folder of --mount"
        )
    return data


def _read(options: Options, context: Context, home: Path, command: str | None) -> Source:
    working = context.working_folder()
    if options.module is not None:
        from capsule.runner.script import as_script  # for what is no task file

        return as_script(read_module(options.module, working, home))
    if options.code is not None:
        return _from_text(_encoded(options.code), working, home, "-c")
    if options.file is not None and options.file != "-":
        path = Path(options.file)
        if not (working / path).exists():
            from capsule.cli.parsing.file_suggestions import absent

            raise absent(options.file, artifact=options.artifact, working=working, command=command)
        return (read_artifact if options.artifact else read_file)(path, working, home)
    if options.file is None:
        return read_file(None, working, home)
    return _from_text(source_on_stdin(context), working, home, "-")


def _from_text(source: bytes, working: Path, home: Path, named: str) -> Source:
    if not source.strip():
        raise UsageError(
            "the source on stdin is empty" if named == "-" else "-c: the source is empty",
            hint="capsule run -c '1 + 1'",
        )
    from capsule.runner.script import as_script

    return as_script(read_text(source, working, home, named=named))


def _encoded(code: str) -> bytes:
    try:
        return code.encode()
    except UnicodeEncodeError:
        raise UsageError("-c: the source is not UTF-8 text") from None
