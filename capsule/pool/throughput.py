"""How many runs of a task this machine does, and what they take: measured, not reckoned."""

from __future__ import annotations

import threading
import time
from statistics import median

import psutil

from capsule.namedtuples import NamedTuple
from capsule.pool.run_queue import QueuedRun
from capsule.processors import usable_processors
from capsule.runner.observer import NOBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.envelope import Envelope, EnvelopeError
    from capsule.pool.prepared_task import PreparedTask
    from capsule.process.cancel import Cancellation
    from capsule.runner import prepare

# Runs alone are measured for this part of the time, and so many at least.
_ALONE, _LEAST = 0.25, 3
_READY_SECONDS = 10.0
# Above this part of the processors' time, nothing is left of them.
_BUSY = 0.85
_OTHERS = 0.2
# What of a processor's time is use of it, by the names that systems have for it.
_USED = ("user", "nice", "system", "irq", "softirq", "steal")


class Throughput(NamedTuple):
    """What was measured: `slots` runs at once, for `seconds`, of which `failed` failed.

    `run_ms` is what a run alone takes with a process that waits for it, `start_ms` what starting
    one adds to that, and `processor_ms` what a run takes of a processor, this program's part with
    it: milliseconds, medians but for the last. `ram` is the most linear memory of a run, in bytes,
    None where no run could tell. `busy` and `others` are parts of the time of all processors: what
    these runs took, and other programs. `error` is that of the first run that failed.
    """

    processors: int
    slots: int
    seconds: float
    runs: int
    failed: int
    start_ms: float
    run_ms: float
    processor_ms: float
    fuel: int | None
    ram: int | None
    busy: float
    others: float
    error: EnvelopeError | None = None

    @property
    def rate(self) -> float:
        """How many runs a second."""
        return self.runs / self.seconds

    @property
    def limited_by(self) -> str:
        """What keeps it from doing more: `processors`, `other programs` or `waiting`."""
        if self.busy + self.others >= _BUSY:
            return "other programs" if self.others >= _OTHERS else "processors"
        return "waiting"


def measure(  # noqa: PLR0913, PLR0917 - two ways to run it, and what holds for both
    cold: PreparedTask,
    warm: PreparedTask,
    call: prepare.Call,
    seconds: float,
    slots: int,
    stop: Cancellation,
) -> Throughput:
    """Run a task for so many seconds: alone, each in a new process, and then `slots` at once.

    `cold` starts a process for each run, and `warm` has some that wait. Ends early once `stop` is
    cancelled. Raises `CapsuleError` when the host cannot run it at all.
    """
    envelopes: list[Envelope] = []
    starts: list[float] = []
    runs: list[float] = []
    deadline = time.monotonic() + seconds * _ALONE
    # The first run reads from the disk what the others find in memory.
    _one(cold, call, stop)
    while not stop.cancelled and (len(starts) < _LEAST or time.monotonic() < deadline):
        starts.append(_milliseconds(cold, call, stop))
        if warm.pool is not None:
            warm.pool.wait_until_ready(_READY_SECONDS, stop)
        runs.append(_milliseconds(warm, call, stop))
    before = _Use.now()
    trouble = _together(warm, call, seconds * (1 - _ALONE), slots, stop, envelopes)
    used = _Use.now().since(before)
    if trouble:
        raise trouble[0]
    errors = [envelope["error"] for envelope in envelopes if envelope["error"] is not None]
    fuel = [said for one in envelopes if (said := one["execution"]["fuel_consumed"]) is not None]
    ram = [said for one in envelopes if (said := one["execution"]["ram_used"]) is not None]
    processors = usable_processors()
    whole = used.wall * processors
    # Where a control group gives time for fewer than there are, the rest is for other programs.
    others = used.all - used.own - used.wall * (used.processors - processors)
    return Throughput(
        processors,
        slots,
        used.wall,
        len(envelopes),
        len(errors),
        max(0.0, median(starts or [0.0]) - median(runs or [0.0])),
        median(runs or [0.0]),
        1000 * used.own / max(1, len(envelopes)),
        round(median(fuel)) if fuel else None,
        max(ram, default=None),
        min(1.0, used.own / whole),
        max(0.0, min(1.0, others / whole)),
        errors[0] if errors else None,
    )


def _milliseconds(prepared: PreparedTask, call: prepare.Call, stop: Cancellation) -> float:
    """Return how long a run takes, in milliseconds."""
    begin = time.monotonic()
    _one(prepared, call, stop)
    return (time.monotonic() - begin) * 1000


def _one(prepared: PreparedTask, call: prepare.Call, stop: Cancellation) -> Envelope:
    with QueuedRun(prepared) as queued:
        return prepared.run(call, NOBODY, stop, queued=queued)


def _together(  # noqa: PLR0913, PLR0917 - what the threads share
    prepared: PreparedTask,
    call: prepare.Call,
    seconds: float,
    slots: int,
    stop: Cancellation,
    envelopes: list[Envelope],
) -> list[Exception]:
    """Run the task in so many threads, and keep all envelopes; return what was raised."""
    trouble: list[Exception] = []
    deadline = time.monotonic() + seconds

    def work() -> None:
        try:
            while not (stop.cancelled or trouble) and time.monotonic() < deadline:
                envelopes.append(_one(prepared, call, stop))
        except Exception as error:  # noqa: BLE001 - raised by whoever waits for the thread
            trouble.append(error)

    threads = [threading.Thread(target=work, name="capsule-bench") for _ in range(slots)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return trouble


class _Use(NamedTuple):
    """The clock, and the processors' time that was used: by this program and what it started.

    And by all, on the `processors` that this program may be put on. All of it in seconds. That of
    processes that run still is not yet known.
    """

    wall: float
    own: float
    all: float
    processors: int

    @classmethod
    def now(cls) -> _Use:
        program = psutil.Process()
        mine = program.cpu_times()
        own = mine.user + mine.system + mine.children_user + mine.children_system
        each = psutil.cpu_times(percpu=True)
        # A program that is put on some of them has nothing of what the others do.
        mine_alone = set(program.cpu_affinity()) if hasattr(program, "cpu_affinity") else None
        used = [
            sum(getattr(one, name, 0.0) for name in _USED)
            for number, one in enumerate(each)
            if mine_alone is None or number in mine_alone
        ]
        return cls(time.monotonic(), own, sum(used), len(used))

    def since(self, before: _Use) -> _Use:
        wall, own = self.wall - before.wall, self.own - before.own
        return _Use(wall, own, self.all - before.all, self.processors)
