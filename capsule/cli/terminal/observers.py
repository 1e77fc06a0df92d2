"""Who watches a run for the person who started it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.cli.terminal.task_output import TaskOutput

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from capsule.cli.terminal.console import Console
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
