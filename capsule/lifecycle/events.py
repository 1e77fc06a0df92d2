"""What a run tells about its attempts, and whom.

Values of variables, arguments and results are in none of it.
"""

from __future__ import annotations

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol

    from capsule.envelope import ErrorType
    from capsule.errors import Code

    State = Literal["created", "running", "completed", "failed", "timed_out", "cancelled"]
    # How the sandbox began: it waited already, was started for it, or imports the task then.
    How = Literal["warm", "cold", "plain"]
else:
    Protocol = object

STATES: tuple[State, ...] = (
    *("created", "running", "completed", "failed", "timed_out", "cancelled"),
)
HOWS: tuple[How, ...] = ("warm", "cold", "plain")

# How many characters of a message are kept where there is no room for all of it.
_BRIEFLY = 1_000


class Created(NamedTuple):
    """An attempt that is about to be made.

    `parent` is the attempt that called the task, `retry_of` the one before that failed, `number`
    how many there were before. `file` is as the user named it. `created_ns` is in nanoseconds since
    1970; limits are in fuel units, bytes and milliseconds, None for no limit. `landlock` is the ABI
    that stands, 0 for none.
    """

    id: str
    run: str
    parent: str | None
    retry_of: str | None
    depth: int
    number: int
    task: str
    file: str | None
    created_ns: int
    compute: int
    ram: int | None
    timeout_ms: int | None
    landlock: int
    seccomp: bool


class Running(NamedTuple):
    """An attempt whose sandbox is asked for now; with the limits that it was granted in the end."""

    started_ns: int
    compute: int
    timeout_ms: int | None


class Ended(NamedTuple):
    """How an attempt ended; `elapsed_ns` is since it was created, by a clock that nobody sets.

    Use is None where nothing could tell. `host_requests` is JSON, empty for none. `stdout` and
    `stderr` are those of the envelope; None, as `host_requests`, where they are not kept.
    """

    state: State
    ended_ns: int
    elapsed_ns: int
    how: How | None = None
    fuel: int | None = None
    ram_used: int | None = None
    duration_ms: int | None = None
    error_type: ErrorType | Code | None = None
    message: str | None = None
    traceback: str | None = None
    truncated_bytes: int = 0
    host_requests: str | None = ""
    stdout: str | None = ""
    stderr: str | None = ""

    def weight(self) -> int:
        """Return how many bytes its texts and requests take."""
        texts = (self.stdout, self.stderr, self.message, self.traceback, self.host_requests)
        return sum(_bytes_of(text) for text in texts if text)

    def without_details(self) -> Ended:
        """Return it without what can be large."""
        message = None if self.message is None else self.message[:_BRIEFLY]
        return self._replace(
            message=message, traceback=None, host_requests=None, stdout=None, stderr=None
        )


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


class Ledger(Protocol):
    """Who keeps a record of attempts; it never raises, and never lets a run wait.

    Each attempt is created, may then run, and ends once; any thread may tell.
    """

    def created(self, attempt: Created) -> None:
        """Take that an attempt is about to be made."""

    def running(self, attempt: str, event: Running) -> None:
        """Take that an attempt begins."""

    def ended(self, attempt: str, event: Ended) -> None:
        """Take how an attempt ended."""


def state_of(error_type: str | None) -> State:
    """Return the state that an attempt ends in.

    >>> state_of(None), state_of("timeout"), state_of("cancelled"), state_of("task_error")
    ('completed', 'timed_out', 'cancelled', 'failed')
    """
    if error_type is None:
        return "completed"
    if error_type == "timeout":
        return "timed_out"
    return "cancelled" if error_type == "cancelled" else "failed"
