"""Lines with what a task prints, while it runs."""

from __future__ import annotations

import time

from capsule.sdk.output import Printing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Output
    from capsule.runner.observer import Which

    Say = Callable[[dict[str, Any], Cancellation, float | None], bool]

# Characters of one line.
LONGEST = 1 << 16


class OutputStream(Printing):
    """An observer that says what a task prints, in lines with the id of its request.

    While there is no room for a line, the task waits where it prints, until its time is over or it
    is cancelled. From then on nothing is said; `left_out` is how many bytes were not.
    """

    def __init__(self, identity: Any, say: Say, stop: Cancellation) -> None:
        super().__init__(self._told)
        self._identity, self._say, self._stop = identity, say, stop
        self._until: float | None = None
        self.left_out = 0

    def started(self, which: Which, policy: Policy) -> Output:
        """Begin an attempt, and its time."""
        if which.depth == 0 and policy.timeout_ms is not None:
            self._until = time.monotonic() + policy.timeout_ms / 1000
        return super().started(which, policy)

    def _told(self, stream: str, text: str) -> None:
        for begin in range(0, len(text), LONGEST):
            piece = text[begin : begin + LONGEST]
            line = {"id": self._identity, "stream": stream, "text": piece}
            # Nothing comes behind a gap: what is there is what was printed first.
            if self.left_out or not self._say(line, self._stop, self._until):
                self.left_out += len(piece.encode())
