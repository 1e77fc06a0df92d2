"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

    from capsule.cli.screen import Screen
    from capsule.progress import Progress, Step, Tracker


def progress_for(screen: Screen, *, quiet: bool) -> Progress:
    """Return where long work reports to."""
    from capsule.progress import Silent

    if quiet:
        return Silent()
    return Bars(screen) if screen.stderr_is_terminal else Lines(screen)


class Lines:
    """One line when a step begins and one when it ends."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def step(self, step: Step) -> Tracker:
        self.screen.err(f"capsule: {step.label} ({_expected(step)})")
        return _LineTracker(self.screen, step)

    def note(self, text: str) -> None:
        """Print `text`."""
        self.screen.err(f"capsule: {text}")


class _LineTracker:
    def __init__(self, screen: Screen, step: Step) -> None:
        self.screen, self.label = screen, step.label
        self.begin = time.monotonic()

    def update(self, done: float) -> None:
        """Say nothing: a log has no use for it."""

    def __enter__(self) -> _LineTracker:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        how = "done" if kind is None else "stopped"
        self.screen.err(f"capsule: {self.label}: {how} after {time.monotonic() - self.begin:.1f} s")


class Bars:
    """A bar for each step: size, rate and time left, or time spent of what is usual."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def step(self, step: Step) -> Tracker:
        return _BarTracker(step, self.screen.stderr)

    def note(self, text: str) -> None:
        """Print `text` above the bars."""
        self.screen.err(f"capsule: {text}")


class _BarTracker:
    def __init__(self, step: Step, stderr: TextIO) -> None:
        # rich costs 45 ms to import: only those who wait for long work pay.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        columns: list[Any] = [TextColumn("{task.description}"), BarColumn(bar_width=20)]
        self._progress = RichProgress(
            *columns, *_figures(step), console=Console(file=stderr), transient=False
        )
        self._task = self._progress.add_task(step.label, total=step.total or None)

    def update(self, done: float) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done)

    def __enter__(self) -> _BarTracker:
        self._progress.start()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            total = self._progress.tasks[0].total
            self._progress.update(self._task, completed=total)
        self._progress.stop()


def _figures(step: Step) -> list[Any]:
    from rich.progress import (
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    if step.unit == "bytes":
        return [DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
    if step.unit == "items":
        return [MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()]
    return [TimeElapsedColumn(), TextColumn(f"of about {step.total:.0f} s")]


def _expected(step: Step) -> str:
    if step.unit == "bytes":
        return f"{step.total / 1e6:.1f} MB"
    if step.unit == "items":
        return f"{step.total:,.0f} items" if step.total else "items as they come"
    return f"about {step.total:.0f} s"
