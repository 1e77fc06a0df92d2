"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from capsule.cli.render.progress_text import Pace
    from capsule.cli.terminal.console import Console
    from capsule.progress import Progress, Step, Tracker

# How often a line says how far long work is, in seconds, where there are no bars.
_OFTEN = 10.0


def progress_for(console: Console, *, quiet: bool) -> Progress:
    """Return where long work reports to."""
    from capsule.progress import Silent

    if quiet:
        return Silent()
    return ProgressBars(console) if console.stderr_is_drawn else ProgressLines(console)


class ProgressLines:
    """A line when a step begins, one when it ends, and one now and then between."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, step: Step) -> Tracker:
        return _LineTracker(self.console, step)

    def note(self, text: str) -> None:
        """Print `text`."""
        self.console.err(f"capsule: {text}")


class _LineTracker:
    def __init__(self, console: Console, step: Step) -> None:
        # Only those who wait for long work pay for the import.
        from capsule.cli.render import progress_text

        self._console, self._steps = console, progress_text
        self._pace = _pace(step)
        self._said = self._pace.begin
        console.err(f"capsule: {progress_text.begun(step)}")

    def update(self, done: float) -> None:
        """Say how far it is, if that is long enough ago."""
        now = time.monotonic()
        self._pace.update(done, now)
        if now - self._said >= _OFTEN:
            self._said = now
            self._console.err(f"capsule: {self._steps.midway(self._pace, now)}")

    def __enter__(self) -> _LineTracker:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        said = self._steps.over(self._pace, time.monotonic(), whole=kind is None)
        self._console.err(f"capsule: {said}")


class ProgressBars:
    """A bar for each step: size, rate and time left, or time spent and about how much is left."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, step: Step) -> Tracker:
        return _BarTracker(self.console, step)

    def note(self, text: str) -> None:
        """Print `text` above the bars."""
        self.console.err(f"capsule: {text}")


class _BarTracker:
    def __init__(self, console: Console, step: Step) -> None:
        from capsule.cli.render import progress_text

        self._steps, self._pace = progress_text, _pace(step)
        self._whole = False
        self._shown: AbstractContextManager[None] = console.in_live_region(
            self._lines, self._last, lambda: not self._whole
        )

    def update(self, done: float) -> None:
        """Move the bar."""
        self._pace.update(done, time.monotonic())

    def _lines(self, width: int, height: int) -> list[str]:
        return [self._steps.bar(self._pace, time.monotonic(), width)][:height]

    def _last(self, width: int) -> list[str]:
        from capsule.cli.render.terminal_text import clip

        said = self._steps.over(self._pace, time.monotonic(), whole=self._whole)
        return [clip(f"capsule: {said}", width)]

    def __enter__(self) -> _BarTracker:
        self._shown.__enter__()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._whole = kind is None
        self._shown.__exit__(None, None, None)


def _pace(step: Step) -> Pace:
    from capsule.cli.render.progress_text import Pace

    return Pace(step, time.monotonic())
