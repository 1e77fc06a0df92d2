"""Progress of what is prepared, for whoever waits for it: in calls, and ahead of the first."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from capsule.errors import CapsuleError, GivenUpError
from capsule.process.cancel import Cancellation

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.progress import Progress, Step

    # Takes how far all is, a number that only grows, and what is done now, in words.
    Tell = Callable[[float, str], None]

_INTERVAL, _POLL = 0.5, 0.05


class ToldProgress:
    """A `Progress` that tells in words, a few times a second at most."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._steps = 0
        self._last = 0.0
        self._reached = 0.0

    def step(self, step: Step) -> _ToldStep:
        """Begin a step, and tell of it."""
        self._steps += 1
        self._say(float(self._steps), step.label, at_once=True)
        return _ToldStep(self, step, self._steps)

    def note(self, text: str) -> None:
        """Tell of something that stands on its own."""
        self._say(self._steps + 0.001, text, at_once=True)

    def at(self, number: int, fraction: float, words: str) -> None:
        """Tell how far a step is."""
        self._say(number + fraction, words)

    def _say(self, reached: float, words: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._last < _INTERVAL:
            return
        self._last = now
        # The protocol wants numbers that grow, whatever there is to say.
        self._reached = max(reached, self._reached + 0.0001)
        self._tell(self._reached, words)


class _ToldStep:
    def __init__(self, told: ToldProgress, step: Step, number: int) -> None:
        self._told, self._step, self._number = told, step, number

    def update(self, done: float) -> None:
        step = self._step
        fraction = min(done / step.total, 0.99) if step.total else 0.0
        words = step.label
        if step.unit == "bytes":
            words = f"{words}: {done / 1e6:.0f} of {step.total / 1e6:.0f} MB"
        self._told.at(self._number, fraction, words)

    def __enter__(self) -> _ToldStep:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        pass


class Preparation:
    """Work that is done once, in a thread, for all calls: they wait for it, and are told of it.

    `close` ends it.
    """

    def __init__(self, work: Callable[[Progress, Cancellation], object]) -> None:
        self._work = work
        self._stop = Cancellation()
        self._begun = threading.Lock()
        self._over = threading.Event()
        self._listeners: list[Tell] = []
        self._last: tuple[float, str] | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin, if that was not done; whoever calls this does not wait."""
        with self._begun:
            if self._thread is None and not self._stop.cancelled:
                self._thread = threading.Thread(
                    target=self._run, name="capsule-prepare", daemon=True
                )
                self._thread.start()

    def wait(self, tell: Tell, stop: Cancellation) -> None:
        """Wait until it is over, however it ended. Raises `GivenUpError` where `stop` is set."""
        self.begin()
        if self._last is not None and not self._over.is_set():
            tell(*self._last)
        self._listeners.append(tell)
        try:
            while not self._over.wait(_POLL):
                if stop.cancelled:
                    raise GivenUpError("the call was cancelled while what it needs is prepared")
        finally:
            self._listeners.remove(tell)

    def close(self) -> None:
        """End it, and wait for its end."""
        self._stop.cancel()
        if self._thread is not None:
            self._thread.join()
        self._stop.close()

    def _run(self) -> None:
        try:
            # What is wrong is said by the call that needs it.
            with suppress(CapsuleError, OSError):
                self._work(ToldProgress(self._told), self._stop)
        finally:
            self._over.set()

    def _told(self, reached: float, words: str) -> None:
        self._last = reached, words
        for tell in tuple(self._listeners):
            tell(reached, words)
