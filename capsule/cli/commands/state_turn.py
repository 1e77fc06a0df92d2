"""`capsule run -c CODE --state FILE`: one turn of a session that lies in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from capsule.cli.parsing.run_request import said_limits, source_on_stdin
from capsule.cli.runtime.exit_codes import exit_code
from capsule.cli.runtime.signals import cancelling
from capsule.cli.terminal.progress_bars import progress_for
from capsule.cli.terminal.run_display import observer_for, show
from capsule.errors import UsageError
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.sdk.coroutines import alone
from capsule.sessions import opening
from capsule.sessions.state_store import FOLDER
from capsule.sessions.turn import Turn
from capsule.sessions.wider_interpreter import large_imports
from capsule.state_folder import checked_root
from capsule.toolstore import files, toolchain_lock
from capsule.toolstore.digests import short_id

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context
    from capsule.envelope import Envelope


def command(options: Options, context: Context, state: str) -> int:
    """Run a turn from the state in a file, put the new one in its place, and print the envelope.

    Raises `CapsuleError` for what is wrong before the turn.
    """
    _check(options)
    code = _code(options, context)
    path = context.working_folder() / state
    wanted = opening.Wanted(
        packages=options.packages,
        mounts=options.mounts,
        secrets=options.secrets,
        cwd=context.working_folder(),
        limits=said_limits(options),
        options={
            "allowed_hosts": list(options.allow_hosts),
            "env_variables": list(options.env_names),
        },
        flags=True,
        progress=progress_for(context.console, quiet=options.quiet),
    )
    console = context.console
    with (
        toolchain_lock.locked(_lock(path), Silent()),
        Cancellation() as stop,
        cancelling(stop),
        observer_for(console, stop, verbose=options.verbose) as observer,
    ):
        if path.exists():
            core = opening.loaded(path, wanted, stop)
        else:
            core = opening.opened(wanted, stop, large_imports(code))
        core.label = path.name
        begin = core.settled().turn
        try:
            answered = core.run(code, stop, observer=observer, functions=wanted.functions(alone))
            kept = answered.kept.result()
            if not path.exists() or kept.turn != begin:
                core.save(path)
        finally:
            core.close()
    turn = Turn.of_answer(answered)
    turn["execution"]["fuel_consumed"] = kept.fuel
    if options.result and turn["success"] and turn["result"] is None and turn.text:
        # What is no JSON is shown as a prompt would.
        console.bare_result(turn.text)
        return 0
    envelope = cast("Envelope", turn)
    show(envelope, console, json=options.json, result=options.result, quiet=options.quiet)
    return exit_code(envelope)


def _lock(path: Path) -> Path:
    """Return what one turn at a time holds, of those on the same file."""
    folder = files.make_private(checked_root() / FOLDER)
    return folder / f"{short_id(os.fsencode(os.path.realpath(path)), size=16)}.lock"


def _check(options: Options) -> None:
    """Raise `UsageError` for what a turn has no use for."""
    for option, given in (
        ("words", options.args),
        ("--args", options.args_json),
        ("--args-file", options.args_file),
        ("--map", options.map_file),
        ("--concurrency", options.concurrency),
        ("--resume", options.resume),
        ("--engine", options.engine),
        ("--spread", options.spread),
        ("--stdin", options.stdin),
    ):
        if given:
            verb = "do" if option == "words" else "does"
            raise UsageError(
                f"{option} {verb} not go with --state: a turn is code alone",
                hint="values in the code, or files by --mount",
            )


def _code(options: Options, context: Context) -> str:
    if options.code is not None:
        return options.code
    if options.file != "-" or options.module is not None:
        raise UsageError("--state goes with -c, and with source on stdin", hint="-c CODE")
    source = source_on_stdin(context)
    try:
        return source.decode()
    except UnicodeDecodeError:
        raise UsageError("the source on stdin is not UTF-8 text") from None
