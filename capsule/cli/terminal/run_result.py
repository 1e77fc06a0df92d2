"""What is printed when a run is over: its envelope or bare result, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console
    from capsule.envelope import Envelope


def show(envelope: Envelope, console: Console, *, json: bool, result: bool, quiet: bool) -> None:
    """Print an envelope: as one line with `json`, its bare result alone with `result`.

    A failure is told on stderr too where a person reads that, and where the envelope is left out.
    """
    error = envelope["error"]
    if not result:
        console.envelope(envelope, one_line=json)
    elif error is None:
        console.bare_result(envelope["result"])
    reads = console.stderr_is_terminal and not (json or quiet)
    if error is not None and (result or reads):
        from capsule.cli.terminal.task_traceback import traceback_lines

        for line in traceback_lines(error, whole=not quiet):
            console.err(line)
