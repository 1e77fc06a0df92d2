"""What a person sees of a run: who watches it, and what is printed when it is over."""

from __future__ import annotations

from capsule.cli.terminal.task_output import TaskOutput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from capsule.cli.terminal.console import Console
    from capsule.envelope import Envelope
    from capsule.process.cancel import Cancellation
    from capsule.runner.observer import Observer


def observer_for(
    console: Console, cancellation: Cancellation, *, verbose: bool
) -> AbstractContextManager[Observer]:
    """Return who watches a run inside a `with` block: on a terminal its tree, elsewhere lines."""
    if not verbose:
        return TaskOutput(console, cancellation)
    if console.stderr_is_drawn:
        from capsule.cli.terminal.verbose_tree import VerboseTree

        return VerboseTree(console, cancellation)
    from capsule.cli.terminal.verbose_lines import VerboseLines

    return VerboseLines(console, cancellation)


def show(  # noqa: PLR0913 - what is asked for, and what of
    envelope: Envelope,
    console: Console,
    *,
    json: bool,
    result: bool,
    quiet: bool,
    file: str | None = None,
) -> None:
    """Print an envelope: as one line with `json`, its bare result alone with `result`.

    A failure is told on stderr too where a person reads that, and where the envelope is left out.
    `file` is the task's file, as the user named it.
    """
    error = envelope["error"]
    if not result:
        console.envelope(envelope, one_line=json)
    elif error is None:
        console.bare_result(envelope["result"])
    reads = console.stderr_is_terminal and not (json or quiet)
    if error is not None and (result or reads):
        from capsule.cli.terminal.task_traceback import traceback_lines

        said = f"{error['error_type']}: "
        for line in traceback_lines(error, whole=not quiet, file=file):
            # The frames, and a message of several lines, are laid out by whoever wrote them.
            is_said = line.startswith("  try: ") or (line.startswith(said) and "\n" not in line)
            (console.tell if is_said else console.err)(line)
