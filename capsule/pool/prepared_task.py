"""A task that is read and settled once, and run many times, by processes that wait for it."""

from __future__ import annotations

import threading
import time

from capsule.confine.scratch_reserve import Keeper
from capsule.namedtuples import NamedTuple
from capsule.pool.pool import IDLE_SECONDS, Pool
from capsule.pool.run_queue import QueuedRun
from capsule.runner import interpreter_choice, prepare
from capsule.runner.run import COLD, first_plan, given_up, run, snapshot_settings
from capsule.runner.snapshot_choice import Unstarted, choose_snapshot
from capsule.snapshot.task_snapshot import Unfrozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.lifecycle.events import Ledger
    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.attempt import Plan, Starter
    from capsule.runner.host_functions import HostFunctions
    from capsule.runner.observer import Observer
    from capsule.runner.run import Order
    from capsule.runner.source import Source


class Warmth(NamedTuple):
    """How many processes wait for a task's next runs, and until when.

    They are ended after `idle` seconds without a run, and first started after so many runs.
    """

    processes: int
    idle: float = IDLE_SECONDS
    after: int = 0


class PreparedTask:
    """Runs one task again and again, from several threads too; `with` it, or call `close`.

    The folders, limits and code are those of the moment it was made; values of variables are those
    of each run. Cancelling its making leaves a task that runs nothing ahead. `fetched_ms` is how
    long its packages took to fetch.
    """

    def __init__(
        self,
        order: Order,
        source: Source,
        warmth: Warmth,
        cancellation: Cancellation,
    ) -> None:
        self.fetched_ms = order.inputs.fetched_ms
        order, plan = _begun(order, cancellation)
        self._order = prepare.without_values(order)
        self._source = source
        self._settling = threading.Lock()
        self._kept = Keeper()
        self.pool: Pool | None = None
        self._expected = None
        if plan is not None and warmth.processes > 0:
            # No process that waits needs to know what the first run is asked.
            self._expected = plan._replace(request=b"")
        self._cold_runs = warmth.after
        if self._expected is not None:
            self.pool = Pool(warmth.processes, idle=warmth.idle)
            self._warm_up()

    def __repr__(self) -> str:
        return f"<PreparedTask {self._order.policy.task!r} with {self.pool!r}>"

    @property
    def task(self) -> str:
        """The name of the task."""
        return self._order.policy.task

    @property
    def order(self) -> Order:
        """What its runs have in common, without values of variables."""
        return self._order

    @property
    def source(self) -> Source:
        """The code that it was made of."""
        return self._source

    def run(  # noqa: PLR0913 - what one run brings along
        self,
        call: prepare.Call,
        observer: Observer,
        cancellation: Cancellation,
        progress: Progress | None = None,
        *,
        fetched_ms: int = 0,
        functions: HostFunctions | None = None,
        queued: QueuedRun | None = None,
        own_policy: bool = False,
        files: Mapping[str, bytes] | None = None,
    ) -> Envelope:
        """Run the task once and return its envelope, whatever happens inside.

        It waits for its turn when many are running: `queued` is how it does, in the name of this
        task unless given. `fetched_ms` is what of its time was spent for its packages, where it was
        made for this run. `functions` are those of the host that the task may call. With
        `own_policy`, limits and mounts are those of `call`, and not those that it was made with.
        `files` are put into its working folder, by their paths in it.

        Raises `CapsuleError` when the host cannot run it at all; then nothing has run.
        """
        self._follow(cancellation)
        order = self._order
        if own_policy:
            order = prepare.with_own_policy(order, self._source, call)
        order = prepare.renewed(order, self._source.project, call)
        if fetched_ms:
            order = order._replace(inputs=order.inputs._replace(fetched_ms=fetched_ms))
        if progress is not None:
            order = order._replace(progress=progress)
        if functions is not None:
            order = prepare.with_functions(order, functions)
        starter: Starter = COLD if self.pool is None else self.pool
        if files:
            from capsule.runner.working_files import WithFiles  # few runs are given any

            starter = WithFiles(starter, files)
        queued = queued or QueuedRun(self)
        envelope = run_in_turn(order, observer, cancellation, starter, queued)
        self._cold_runs -= 1
        self._warm_up()
        return envelope

    def _follow(self, cancellation: Cancellation) -> None:
        """Go over to another interpreter, where a run has found that the task needs one."""
        with self._settling:
            if not interpreter_choice.is_outgrown(self._order.inputs):
                return
            order, plan = _begun(self._order, cancellation)
            self._order = order
        if plan is not None and self.pool is not None:
            self.pool.expect(plan._replace(request=b""))

    def _warm_up(self) -> None:
        """Have processes started ahead, once there were enough runs to expect more."""
        plan = self._expected
        if self.pool is not None and plan is not None and self._cold_runs <= 0:
            self._expected = None
            self.pool.expect(plan)

    def close(self) -> None:
        """End the processes that wait, and wait until all that it started is gone."""
        try:
            if self.pool is not None:
                self.pool.close()
        finally:
            self._kept.close()

    def __enter__(self) -> PreparedTask:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def open_prepared_task(  # noqa: PLR0913 - all that it is made of
    source: Source,
    call: prepare.Call,
    home: Path,
    progress: Progress,
    *,
    warmth: Warmth,
    cancellation: Cancellation,
    ledger: Ledger | None = None,
    since: float | None = None,
) -> PreparedTask:
    """Settle a task for many runs; `call` has what they share: limits, mounts, environment.

    `ledger` keeps a record of all runs. `since` is that of `prepare.order`.

    Raises `CapsuleError` when anything is wrong; nothing has run then.
    """
    order = prepare.order(source, call, home, progress, since)._replace(ledger=ledger)
    return PreparedTask(order, source, warmth, cancellation)


def run_in_turn(
    order: Order,
    observer: Observer,
    cancellation: Cancellation,
    starter: Starter = COLD,
    queued: QueuedRun | None = None,
) -> Envelope:
    """Run an order when it is its turn: `queued` is in whose name it waits, and among whom."""
    queued, begin = queued or QueuedRun(object()), time.monotonic()
    with queued.slots.slot(queued.owner, cancellation, queued.waits) as granted:
        queued.wait_ended(begin)
        queued.begins()
        if granted:
            envelope = run(order, observer, cancellation, starter)
        else:
            envelope = given_up(order, observer)
    envelope["execution"]["queue_ms"] = queued.waited_ms
    return envelope


def _begun(order: Order, cancellation: Cancellation) -> tuple[Order, Plan | None]:
    """Return the order with its snapshot found, or taken, so that no run looks for it.

    And how its attempts will be made; None where that cannot be said ahead.
    """
    settings = snapshot_settings(order, order.policy.timeout_ms, cancellation)
    start = choose_snapshot(order.inputs, order.call, settings)
    if isinstance(start, Unstarted):
        return order, None
    frozen = start.inputs.frozen
    # One that may have a snapshot the next time is not held to that it has none now.
    if not (isinstance(frozen, Unfrozen) and frozen.limited):
        order = order._replace(inputs=start.inputs)
    return order, first_plan(order, start)
