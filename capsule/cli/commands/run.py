"""`capsule run` and `capsule exec`: one task, one envelope, one exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.cli.parsing.run_request import understood
from capsule.cli.runtime.run_recording import recorder_for
from capsule.cli.runtime.signals import INTERRUPTED, cancelling
from capsule.cli.terminal.progress_bars import progress_for
from capsule.cli.terminal.task_output import Passing
from capsule.process.cancel import Cancellation
from capsule.runner import prepare
from capsule.runner.run import run

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Surroundings
    from capsule.cli.terminal.console import Screen
    from capsule.envelope import Envelope
    from capsule.runner.observer import Observer

SUCCESS, FAILED, TIMED_OUT = 0, 1, 124


def command(options: Options, around: Surroundings) -> int:
    """Run a task, print its envelope, and return the exit code.

    Raises `CapsuleError` for what is wrong before the run.
    """
    asked = understood(options, around)
    if options.map_file is not None:
        from capsule.cli.commands import batch

        return batch.command(asked, options, around)
    screen = around.screen
    progress = progress_for(screen, quiet=options.quiet)
    order = prepare.order(asked.source, asked.call, asked.home, progress)
    order = order._replace(ledger=recorder_for(asked.home, around))
    with (
        Cancellation() as cancellation,
        cancelling(cancellation),
        watching(screen, cancellation, verbose=options.verbose) as observer,
    ):
        envelope = run(order, observer, cancellation)
    return show(envelope, options, screen)


def watching(
    screen: Screen, cancellation: Cancellation, *, verbose: bool
) -> AbstractContextManager[Observer]:
    """Return who watches a run inside a `with` block: on a terminal its tree, elsewhere lines."""
    if not verbose:
        return Passing(screen, cancellation)
    if screen.stderr_is_drawn:
        from capsule.cli.terminal.verbose_tree import Growing

        return Growing(screen, cancellation)
    from capsule.cli.terminal.verbose_lines import Telling

    return Telling(screen, cancellation)


def show(envelope: Envelope, options: Options, screen: Screen) -> int:
    """Print an envelope as it was asked for, and return the exit code.

    A failure is told on stderr too where a person reads that, and where the envelope is left out.
    """
    error = envelope["error"]
    if not options.result:
        screen.envelope(envelope, one_line=options.json)
    elif error is None:
        screen.bare_result(envelope["result"])
    reads = screen.stderr_is_terminal and not (options.json or options.quiet)
    if error is not None and (options.result or reads):
        from capsule.cli.terminal.task_traceback import told

        for line in told(error, whole=not options.quiet):
            screen.err(line)
    return exit_code(envelope)


def exit_code(envelope: Envelope) -> int:
    """Return the exit code that an envelope stands for."""
    error = envelope["error"]
    if error is None:
        return SUCCESS
    return {"timeout": TIMED_OUT, "cancelled": INTERRUPTED}.get(error["error_type"], FAILED)
