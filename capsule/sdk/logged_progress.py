"""Long work of a program's first run, for whoever listens to what it logs."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.progress import Step

_LOGGER = "capsule"


class LoggedProgress:
    """A `Progress` that logs what begins and what is done, at the level INFO."""

    def step(self, step: Step) -> _LoggedStep:
        """Begin a step, and log it."""
        return _LoggedStep(step)

    def note(self, text: str) -> None:
        """Log one line that stands on its own."""
        _log(text)


class _LoggedStep:
    def __init__(self, step: Step) -> None:
        self._label = step.label
        self._begun = time.monotonic()
        about = f" (about {step.total:.0f} s)" if step.unit == "seconds" and step.total else ""
        _log(f"{step.label}{about}")

    def update(self, done: float) -> None:
        """Log nothing: how far it is changes several times a second."""

    def __enter__(self) -> _LoggedStep:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        ended = "done" if kind is None else "given up"
        _log(f"{self._label}: {ended} after {time.monotonic() - self._begun:.1f} s")


def _log(text: str) -> None:
    # Only a program's first run on a machine has anything to say.
    import logging

    logging.getLogger(_LOGGER).info("%s", text)
