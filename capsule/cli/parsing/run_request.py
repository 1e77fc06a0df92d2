"""What a command line of `run` and `exec` means: a task's code and a call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from capsule.cli.parsing.task_arguments import from_command_line, read_stdin
from capsule.errors import UsageError
from capsule.namedtuples import NamedTuple
from capsule.policy.caller_limits import Limits, caller_limits, mount_rules
from capsule.policy.entry_point import entry_task
from capsule.runner import prepare
from capsule.runner.source import read_artifact, read_file, read_text
from capsule.state_folder import checked_root

if TYPE_CHECKING:
    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context
    from capsule.runner.source import Source

_MAX_SOURCE = 10 << 20


class RunRequest(NamedTuple):
    """What a command line means: a task's code, a call, and where capsule keeps its state."""

    source: Source
    call: prepare.Call
    home: Path


def read_request(options: Options, context: Context) -> RunRequest:
    """Return what a command line means.

    Raises `CapsuleError` for what is wrong with it.
    """
    if options.json and options.result:
        raise UsageError("--json and --result exclude each other", hint="leave one of them out")
    if options.verbose and options.quiet:
        raise UsageError("--verbose and --quiet exclude each other", hint="leave one of them out")
    if options.map_file is None and (options.concurrency or options.resume) is not None:
        raise UsageError("--concurrency and --resume go with --map", hint="--map FILE.jsonl")
    by_option = (options.args_json or options.args_file) is not None
    if options.map_file is not None and (options.args or by_option):
        raise UsageError(
            "--map takes the arguments from its file", hint="each line is the arguments of a run"
        )
    said = Limits(
        options.max_fuel,
        options.max_ram,
        options.timeout,
        options.no_net,
        options.no_files,
        options.no_env,
        options.untrusted,
    )
    limits = caller_limits(said, flags=True)
    home = checked_root(context.environ)
    source = _read(options, context, home)
    parameters = entry_task(source.declarations).parameters if options.args else ()
    arguments = from_command_line(options, parameters, context)
    call = prepare.Call(
        arguments.args,
        arguments.kwargs,
        limits,
        mount_rules(options.mounts, "--mount"),
        context.environ,
    )
    return RunRequest(source, call, home)


def _read(options: Options, context: Context, home: Path) -> Source:
    working = context.working_folder()
    if options.file is not None and options.file != "-":
        path = Path(options.file)
        if not (working / path).exists():
            from capsule.cli.parsing.file_suggestions import absent

            raise absent(options.file, artifact=options.artifact, working=working)
        return (read_artifact if options.artifact else read_file)(path, working, home)
    if options.file is None:
        return read_file(None, working, home)
    if options.args_file == "-":
        raise UsageError("stdin cannot be both the source and the --args-file")
    source = read_stdin(_MAX_SOURCE + 1, context)
    if len(source) > _MAX_SOURCE:
        raise UsageError(f"the source on stdin has more than {_MAX_SOURCE:,} bytes")
    return read_text(source, working, home)
