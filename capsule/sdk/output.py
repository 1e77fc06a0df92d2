"""Telling a program what a task prints, as it is printed."""

from __future__ import annotations

import codecs

from capsule.runner.observer import Nobody
from capsule.sdk.said_values import called

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Output
    from capsule.runner.observer import Which

    OnOutput = Callable[[str, str], object]
    MapOutput = Callable[[int, str, str], object]


class Printing(Nobody):
    """An observer that calls `on_output(stream, text)` for what the task of a run prints.

    A letter that comes in two pieces is told of when it is whole.
    """

    def __init__(self, on_output: OnOutput) -> None:
        called("on_output", on_output)
        self._tell = on_output
        self._decoders = {
            name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")
        }

    def started(self, which: Which, policy: Policy) -> Output:
        """Begin an attempt."""
        # What tasks print that it calls is theirs.
        return self if which.depth == 0 else super().started(which, policy)

    def stdout(self, data: bytes) -> None:
        """Take bytes of the task's stdout."""
        self._take("stdout", data)

    def stderr(self, data: bytes) -> None:
        """Take bytes of the task's stderr."""
        self._take("stderr", data)

    def _take(self, stream: str, data: bytes) -> None:
        text = self._decoders[stream].decode(data)
        if text:
            self._tell(stream, text)
