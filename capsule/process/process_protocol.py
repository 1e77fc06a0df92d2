"""What the rest of capsule sees of a sandbox process, whatever the operating system."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from capsule.confine.scratch import Scratch
else:
    Protocol = object


class Stop(Protocol):
    """What a wait ends for: a `Cancellation`, or a `WakeupPipe`."""

    @property
    def cancelled(self) -> bool:
        """Whether it is time to stop."""

    def fileno(self) -> int:
        """A descriptor that is readable when it is."""

    def attach(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when it is, at once if it is; it has to be quick and safe."""

    def detach(self, listener: Callable[[], None]) -> None:
        """Have it called no more."""


class Arrival(NamedTuple):
    """What one wait brought: bytes of both streams, and whether the wait is over for good.

    `ended` means that both streams are closed and all they held was given out.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    ended: bool = False
    timed_out: bool = False
    cancelled: bool = False


class Process(Protocol):
    """A started sandbox process: it is killed and reaped when the `with` block ends."""

    @property
    def pid(self) -> int:
        """The number that the operating system knows it by."""

    @property
    def unsent(self) -> int:
        """How many bytes are queued still, as far as that is known."""

    def send(self, data: bytes | memoryview) -> None:
        """Queue `data` for its stdin; `wait` writes it."""

    def feed(
        self, parts: Sequence[bytes | memoryview], deadline: float, cancellation: Stop
    ) -> Arrival | None:
        """Write all of `parts` to its stdin, where nothing is queued, without a copy of them.

        None when that is done, else what came before: the rest is not written then. `deadline` is
        in the seconds of `time.monotonic`.
        """

    def widen(self) -> None:
        """Let much go through at once, as far as the system can."""

    def is_quiet(self) -> bool:
        """Say whether it runs and has written nothing that was not read."""

    def wait(self, deadline: float | None, cancellation: Stop) -> Arrival:
        """Wait until there is output, both streams have ended, or it is time to stop.

        Also until all of a large queue is sent: there may be more for it. `deadline` is in the
        seconds of `time.monotonic`.
        """

    def rest(self, deadline: float, cancellation: Stop) -> None:
        """Let it write the rest of its stderr, until that ends: `wait` gives it in one piece.

        Only for what fits into a pipe: more waits for a reader. It may return early.
        """

    def reap(self, deadline: float, cancellation: Stop) -> int:
        """Wait for a process whose streams have ended and return how it ended, as `end` does.

        It is killed when that takes longer than `deadline`.
        """

    def end(self) -> int:
        """Kill the process if it runs, reap it, and return how it ended.

        The answer is its exit code, or the negative number of the signal that ended it.
        """

    def __enter__(self) -> Process: ...

    def __exit__(self, *exc: object) -> None: ...


def wait(process: Process, deadline: float | None, cancellation: Stop, scratch: Scratch) -> Arrival:
    """Wait as the process does, but no longer than until it is time to look at its `/tmp`."""
    if deadline is not None and deadline <= scratch.next_look:
        return process.wait(deadline, cancellation)
    arrival = process.wait(scratch.next_look, cancellation)
    return arrival._replace(timed_out=False) if arrival.timed_out else arrival
