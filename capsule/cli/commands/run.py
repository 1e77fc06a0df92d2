"""`capsule run` and `capsule exec`: one task, one envelope, one exit code."""

from __future__ import annotations

from capsule.cli.parsing.run_request import read_request
from capsule.cli.runtime.exit_codes import exit_code
from capsule.cli.runtime.run_recording import recorder_for
from capsule.cli.runtime.signals import cancelling
from capsule.cli.terminal.progress_bars import progress_for
from capsule.cli.terminal.run_display import observer_for, show
from capsule.errors import OutOfTimeError
from capsule.process.cancel import Cancellation
from capsule.runner import prepare
from capsule.runner.run import COLD, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.parsing.run_options import Options
    from capsule.cli.runtime.context import Context
    from capsule.runner.attempt import Starter
    from capsule.runner.run import Order


def command(options: Options, context: Context, starter: Starter | None = None) -> int:
    """Run a task, print its envelope, and return the exit code.

    Its process comes from `starter`, if there is one.

    Raises `CapsuleError` for what is wrong before the run.
    """
    if options.state_file is not None:
        from capsule.cli.commands import state_turn  # sessions are more than a run needs

        return state_turn.command(options, context, options.state_file)
    asked = read_request(options, context)
    if context.console.stderr_is_terminal and not (options.quiet or options.json):
        from capsule.cli.terminal.grant_notice import note_grants

        note_grants(asked.source, asked.call, asked.home, context.console)
    if options.map_file is not None:
        from capsule.cli.commands import batch

        return batch.command(asked, options, context)
    console = context.console
    progress = progress_for(console, quiet=options.quiet)
    order: Order | OutOfTimeError
    try:
        order = prepare.order(asked.source, asked.call, asked.home, progress)
    except OutOfTimeError as error:
        order = error
    ledger = recorder_for(asked.home, context)
    with (
        Cancellation() as cancellation,
        cancelling(cancellation),
        observer_for(console, cancellation, verbose=options.verbose) as observer,
    ):
        if isinstance(order, OutOfTimeError):
            from capsule.runner.fetch_timeout import late

            envelope = late(order, observer, ledger)
        else:
            order = order._replace(ledger=ledger)
            envelope = run(order, observer, cancellation, starter or COLD)
    said = {"json": options.json, "result": options.result, "quiet": options.quiet}
    show(envelope, console, **said, file=asked.source.named)
    return exit_code(envelope)
