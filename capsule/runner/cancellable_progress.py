"""Ending what is prepared for a run that is cancelled: a download, a compile."""

from __future__ import annotations

from capsule.errors import GivenUpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress, Step, Tracker


class CancellableProgress:
    """A `Progress` whose steps end, with `GivenUpError`, when a run is cancelled.

    Long work tells how far it is several times a second, and ends when that raises.
    """

    def __init__(self, progress: Progress, cancellation: Cancellation) -> None:
        self._progress, self._cancellation = progress, cancellation

    def step(self, step: Step) -> Tracker:
        """Begin `step` there."""
        return _Tracker(self._progress.step(step), self._cancellation)

    def note(self, text: str) -> None:
        """Say `text` there."""
        self._progress.note(text)


class _Tracker:
    def __init__(self, tracker: Tracker, cancellation: Cancellation) -> None:
        self._tracker, self._cancellation = tracker, cancellation

    def update(self, done: float) -> None:
        if self._cancellation.cancelled:
            raise GivenUpError("the run was cancelled while it was prepared")
        self._tracker.update(done)

    def __enter__(self) -> _Tracker:
        self._tracker.__enter__()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._tracker.__exit__(kind, *rest)
