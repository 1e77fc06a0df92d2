"""What tasks print, passed on. Where nobody reads it, limits and Ctrl-C hold all the same."""

from __future__ import annotations

import select
import time
from functools import partial

from capsule.runner.observer import Nobody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from capsule.cli.terminal.console import Console
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Output
    from capsule.runner.observer import Which

# A pipe that is writable takes this much without blocking: POSIX's PIPE_BUF on Linux.
_PIECE = 4096


class TaskOutput(Nobody):
    """Passes on what tasks print."""

    def __init__(self, console: Console, cancellation: Cancellation) -> None:
        self._console, self._cancellation = console, cancellation

    def started(self, which: Which, policy: Policy) -> Output:  # noqa: ARG002 - the protocol's
        """Return what shows the output of an attempt."""
        return _Shown(self._console, deadline_of(policy), self._cancellation)

    def __enter__(self) -> TaskOutput:
        return self

    def __exit__(self, *exc: object) -> None:
        """End nothing."""


class _Shown:
    """Shows what one attempt prints, as it comes."""

    def __init__(
        self, console: Console, deadline: float | None, cancellation: Cancellation
    ) -> None:
        self._console, self._deadline, self._cancellation = console, deadline, cancellation

    def stdout(self, data: bytes) -> None:
        """Show what the task printed."""
        console, deadline, cancellation = self._console, self._deadline, self._cancellation
        descriptor = _descriptor(console.stderr)
        if descriptor is None:
            console.task_output(data)
            return
        poll = _poll(descriptor, cancellation)
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            if poll is None:
                if not _patiently(partial(console.task_output, piece), deadline, cancellation):
                    return
                continue
            ready = dict(poll.poll(_left(deadline)))
            if descriptor not in ready or cancellation.fileno() in ready:
                return
            console.task_output(piece)

    def stderr(self, data: bytes) -> None:
        """Show what the task printed to stderr."""
        self.stdout(data)


def deadline_of(policy: Policy) -> float | None:
    """Return when an attempt that begins now has to end, in the seconds of `time.monotonic`."""
    return None if policy.timeout_ms is None else time.monotonic() + policy.timeout_ms / 1000


def say_in_time(
    console: Console, text: str, deadline: float | None, cancellation: Cancellation
) -> None:
    """Say a line as soon as stderr takes it, and not at all where it does not by `deadline`.

    When the run is cancelled, what it does not take at once, it does not take.
    """
    descriptor = _descriptor(console.stderr)
    poll = None if descriptor is None else _poll(descriptor, cancellation)
    if descriptor is not None and poll is None:
        _patiently(lambda: console.err(text), deadline, cancellation)
    elif poll is None or descriptor in dict(poll.poll(_left(deadline))):
        console.err(text)


def _patiently(
    write: Callable[[], object], deadline: float | None, cancellation: Cancellation
) -> bool:
    # Windows alone needs it.
    from capsule.cli.terminal.patient_writer import STDERR

    return STDERR.do(write, deadline, cancellation)


def _poll(descriptor: int, cancellation: Cancellation) -> select.poll | None:
    """Return what says whether a descriptor takes more; None where the system does not tell."""
    if not hasattr(select, "poll"):
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.register(cancellation.fileno(), select.POLLIN)
    return poll


def _left(deadline: float | None) -> int | None:
    return None if deadline is None else max(0, int((deadline - time.monotonic()) * 1000) + 1)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
