"""The life of a run as a tree that grows on a terminal, below what the tasks print."""

from __future__ import annotations

import codecs
import threading
import time

from capsule.cli.render.run_tree import AttemptState, run_tree
from capsule.cli.terminal.task_output import deadline_of
from capsule.cli.terminal.verbose_lines import unfrozen
from capsule.lifecycle.events import state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.cli.terminal.console import Console
    from capsule.policy.resolve import Policy
    from capsule.process.cancel import Cancellation
    from capsule.runner.attempt import Attempt, Output
    from capsule.runner.observer import Which

# An unfinished line that is longer, in characters, is printed as far as it is.
_LONGEST = 4_096
# The most lines that stay on the terminal, however many it has: a record has all of them.
_MOST_LINES = 100


class VerboseTree:
    """Shows the attempts of a run as a tree; what tasks print goes above it, in whole lines.

    `with` it: the tree is there inside the block, and its last state stays.
    """

    def __init__(self, console: Console, cancellation: Cancellation) -> None:
        self._console, self._cancellation = console, cancellation
        self._lock = threading.Lock()
        self._known: dict[int, AttemptState] = {}
        self._printed: dict[int, _Printed] = {}
        self._plain: set[str] = set()
        self._shown = console.in_live_region(self._lines, self._last, self._may_be_left)

    def __enter__(self) -> VerboseTree:
        self._shown.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._shown.__exit__(None, None, None)

    def called(self, which: Which, policy: Policy) -> None:
        """Show an attempt that waits."""
        life = AttemptState(which, policy.task, "created", time.monotonic_ns(), policy.compute)
        with self._lock:
            self._known[which.serial] = life

    def unfrozen(self, which: Which, policy: Policy, reason: str) -> None:  # noqa: ARG002
        """Say why every run of the task imports it again; once is enough."""
        with self._lock:
            known = policy.task in self._plain
            self._plain.add(policy.task)
        if not known:
            self._console.err(f"capsule: {unfrozen(policy, reason)}")

    def started(self, which: Which, policy: Policy) -> Output:
        """Show an attempt that runs."""
        printed = _Printed(self._console, deadline_of(policy), self._cancellation)
        now = time.monotonic_ns()
        with self._lock:
            life = self._known[which.serial]
            self._known[which.serial] = life._replace(
                state="running", since_ns=now, fuel=policy.compute
            )
            self._printed[which.serial] = printed
        return printed

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:  # noqa: ARG002
        """Show how an attempt ended, and what it used."""
        with self._lock:
            printed = self._printed.pop(which.serial, None)
        if printed is not None:
            printed.end()
        with self._lock:
            self._known[which.serial] = self._known[which.serial]._replace(
                state=state_of(done.outcome.error_type),
                error_type=done.outcome.error_type,
                duration_ms=done.duration_ms,
                fuel_used=done.fuel,
                ram_used=done.memory,
            )

    def given_up(self, which: Which, task: str, error_type: str, message: str) -> None:
        """Show an attempt of which nothing came, and say why."""
        now = time.monotonic_ns()
        with self._lock:
            printed = self._printed.pop(which.serial, None)
            life = self._known.get(which.serial) or AttemptState(which, task, "created", now)
            state = state_of(error_type)
            self._known[which.serial] = life._replace(state=state, error_type=error_type)
        if printed is not None:
            printed.end()
        if state == "failed" and which.depth > 0:
            # For the task that was asked for, the answer says so.
            self._console.err(f"capsule: task {task!r}: {message}", None, self._cancellation)

    def _lines(self, width: int, height: int) -> list[str]:
        with self._lock:
            known, printed = dict(self._known), dict(self._printed)
        for count, output in printed.items():
            known[count] = known[count]._replace(saying=output.saying)
        return run_tree(known, time.monotonic_ns(), width, height)

    def _last(self, width: int) -> list[str]:
        with self._lock:
            known = dict(self._known)
        return run_tree(known, time.monotonic_ns(), width, _MOST_LINES)

    def _may_be_left(self) -> bool:
        """Say whether a terminal that takes nothing is left alone, or a limit would not hold."""
        with self._lock:
            late = any(life.state == "timed_out" for life in self._known.values())
        return late or self._cancellation.cancelled


class _Printed:
    """What one attempt prints, in whole lines; the last one is shown in the tree until it ends."""

    def __init__(
        self, console: Console, deadline: float | None, cancellation: Cancellation
    ) -> None:
        self._console, self._deadline, self._cancellation = console, deadline, cancellation
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def saying(self) -> str:
        """What stands in the line that is not ended yet."""
        return self._rest[-_LONGEST:].rpartition("\r")[2]

    def stdout(self, data: bytes) -> None:
        """Show the lines that are whole now."""
        self._take(self._decoder.decode(data))

    def stderr(self, data: bytes) -> None:
        """Show what the task printed to stderr."""
        self.stdout(data)

    def end(self) -> None:
        """Show what is left."""
        self._take(self._decoder.decode(b"", final=True))
        if self._rest:
            self._say(self._rest)
        self._rest = ""

    def _take(self, text: str) -> None:
        lines, line_end, rest = (self._rest + text).rpartition("\n")
        if line_end:
            self._say(lines)
        if len(rest) > _LONGEST:
            # Broken where the terminal breaks it anyway.
            columns = self._console.columns
            cut = max(len(rest) // columns, 1) * columns
            self._say(rest[:cut])
            rest = rest[cut:]
        self._rest = rest

    def _say(self, text: str) -> None:
        self._console.err(text, self._deadline, self._cancellation)
