"""One attempt: one sandbox process, one request, one answer."""

from __future__ import annotations

import time
from contextlib import nullcontext
from types import MappingProxyType

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.process import sandbox_process
from capsule.process.process_protocol import wait
from capsule.process.trap_report import TAIL, begins_report, is_whole, read_report
from capsule.process.wakeup_pipe import WakeupPipe
from capsule.runner.call_dispatcher import CallDispatcher, nothing
from capsule.runner.memory_budget import RunMemory
from capsule.runner.outcome import Evidence, Outcome, judge
from capsule.shared import frames
from capsule.snapshot import fuel_reading
from capsule.wire.decoder import Decoder, Frame
from capsule.wire.output_capture import Capture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Protocol

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.process.argv import Launch
    from capsule.process.cancel import Cancellation
    from capsule.process.process_protocol import Arrival
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.process.trap_report import TrapReport
    from capsule.runner.call_dispatcher import Answer
    from capsule.runner.last_position import Position, PositionWatch
    from capsule.runner.limit_messages import Limits
    from capsule.runner.memory_budget import Hold
    from capsule.runner.task_places import ProcessorUse
else:
    Protocol = object

# Seconds until it is first looked where a program is: most are over by then.
_FIRST_LOOK = 0.25
# How long a sandbox whose streams have ended may take to be gone.
_GRACE = 5.0
# How much of its answers a sandbox may leave unread in the queue of its process.
_UNREAD = 4 << 20
# How long the fuel meter may take behind the closing frame: 0.1 s for the largest budget here.
_METER_SECONDS = 2.0


class Output(Protocol):
    """Who sees what a task prints, as it happens."""

    def stdout(self, data: bytes) -> None:
        """Take bytes of the task's stdout."""

    def stderr(self, data: bytes) -> None:
        """Take bytes of the task's stderr."""


def _untold() -> None:
    """Tell nobody."""


class Plan(NamedTuple):
    """All that an attempt needs; every attempt of a task gets the same.

    `warming` is the fuel that a process takes besides which is started ahead, None when it has to
    be started for its request. `answer` does what the sandbox asks for while it runs; `cold` is
    called when the sandbox is started for the request. `passed` is sent behind the request; `raw`
    leaves a large result as it came, which `hold` has room for, out of the memory of the run.
    `initial` is the file with the memory that the interpreter begins with, and `files` has the
    sources of the task: both to tell where it was when it ended without a word.
    `use` counts what the process uses of the processors. `keeper` goes on with the process when the
    task has answered, None where it ends.
    """

    launch: Launch
    first_step: int
    layers: IsolationLayers
    request: bytes
    limits: Limits
    warming: int | None = None
    answer: Answer = nothing
    cold: Callable[[], None] = _untold
    passed: memoryview | None = None
    raw: bool = False
    memory: RunMemory | None = None
    hold: Hold | None = None
    initial: Path | None = None
    files: Mapping[str, bytes] = MappingProxyType({})
    use: ProcessorUse | None = None
    keeper: Keeper | None = None


class Starter(Protocol):
    """Where the sandbox of an attempt comes from: it is started, or waits already.

    `sees_end` is whether the `with` block of an instance ends only when its process is gone.
    """

    @property
    def sees_end(self) -> bool: ...

    def start(self, plan: Plan) -> AbstractContextManager[SandboxProcess]:
        """Give the instance for the `with` block; it ends with that."""


class Keeper(Protocol):
    """Who goes on with a process when its task has answered: behind that comes its memory."""

    def keep(self, started: SandboxProcess, memory: int, stderr: bytes) -> None:
        """Take over a process that waits, with so many bytes of memory, and what it has said."""


class Cold:
    """Starts each sandbox when it is needed, and sees it gone before it goes on."""

    sees_end = True

    def start(self, plan: Plan) -> SandboxProcess:
        """Start a sandbox. Raises what `capsule.process.sandbox_process.start` raises."""
        plan.cold()
        return sandbox_process.start(plan.launch, plan.layers, timeout_ms=plan.limits.timeout_ms)


class Attempt(NamedTuple):
    """How an attempt ended and what it used; see `capsule.envelope.Execution` for the units."""

    outcome: Outcome
    duration_ms: int
    fuel: int | None
    memory: int | None
    stdout: str
    stderr: str
    left_out: int


def attempt(plan: Plan, starter: Starter, output: Output, cancellation: Cancellation) -> Attempt:
    """Run the task once and return how that ended; the process is over, and will be gone.

    Raises what starting a process raises; nothing has run then.
    """
    begin = time.monotonic()
    deadline = None if (most := plan.limits.timeout_ms) is None else begin + most / 1000
    memory = plan.memory or RunMemory()
    hold = plan.hold or memory.answers.hold()
    # What an earlier attempt held is gone.
    hold.release()
    with (
        starter.start(plan) as started,
        # What follows is done while it works already.
        started.asked(plan.request, plan.passed) as process,
        WakeupPipe(cancellation) as wakeup,
        CallDispatcher(wakeup, plan.answer, memory) as dispatcher,
    ):
        # Needed at the end: a millisecond.
        fuel_reading.last_looks(plan.launch.budget)
        watch = _Watch(output, started, dispatcher, hold, plan, to_end=starter.sees_end)
        with nullcontext() if plan.use is None else plan.use.counting(process.pid):
            last = watch.follow(deadline, cancellation, wakeup)
        status: int | None = None
        if last.ended:
            status = process.reap(time.monotonic() + _GRACE, cancellation)
        elif plan.keeper is not None and watch.is_kept:
            plan.keeper.keep(started.detached(), watch.memory or 0, bytes(watch.tail))
        elif not watch.reported:
            if watch.memory is None:
                # It cannot be asked any more, and only what runs has any.
                from capsule.process.memory_size import memory_size

                watch.memory_seen = memory_size(process.pid)
            status = process.end()
        for note in started.scratch.settle():  # a result that was produced is not lost for it
            said = f"capsule: {note}\n".encode()
            watch.stderr.add(said)
            output.stderr(said)
        return _judged(plan, watch, last, status, begin)


def _judged(plan: Plan, watch: _Watch, last: Arrival, status: int | None, begin: float) -> Attempt:
    duration = round(((watch.over_at or time.monotonic()) - begin) * 1000)
    report = read_report(bytes(watch.tail), status, watch.seal)
    if report.raw_stderr:
        watch.stderr.add(report.raw_stderr)
        watch.output.stderr(report.raw_stderr)
    outcome = judge(
        Evidence(
            watch.answer,
            watch.decoder,
            watch.violation,
            watch.overflow,
            last.cancelled,
            last.timed_out,
            status,
            report,
            plan.limits,
            duration,
            watch.memory,
            plan.raw,
            watch.position,
            plan.files,
            kept=watch.is_kept,
        )
    )
    if outcome.warning:
        said = f"{outcome.warning}\n".encode()
        watch.stderr.add(said)
        watch.output.stderr(said)
    over = report.drain_offset is not None and watch.violation is None
    over = over or watch.is_kept
    return Attempt(
        outcome,
        duration,
        _fuel(plan, report),
        watch.memory if over else watch.memory_seen,
        watch.stdout.text(),
        watch.stderr.text(),
        watch.stdout.left_out + watch.stderr.left_out + watch.tail_left_out,
    )


class _Watch:
    """What is known of a sandbox while it runs."""

    def __init__(  # noqa: PLR0913 - all that it watches, and who is told
        self,
        output: Output,
        started: SandboxProcess,
        dispatcher: CallDispatcher,
        hold: Hold,
        plan: Plan,
        *,
        to_end: bool,
    ) -> None:
        self.output = output
        self.dispatcher = dispatcher
        self._initial = plan.initial
        self._keeps = plan.keeper is not None
        self._position: PositionWatch | None = None
        self._first_look = time.monotonic() + _FIRST_LOOK
        self._hold, self._roomy = hold, False
        self.process, self.scratch = started.process, started.scratch
        self.overflow: str | None = None
        self.seal = started.seal.encode()
        self.decoder = Decoder(started.seal, tail=self._keeps)
        self.reported = False
        self.over_at: float | None = None
        self._to_end = to_end
        self.stdout, self.stderr = Capture(), Capture()
        self.tail, self.tail_left_out = bytearray(), 0
        self.answer: Frame | None = None
        self.memory: int | None = None
        self.memory_seen: int | None = None
        self.violation: WireError | None = None

    def follow(  # noqa: PLR0912 - each way in which it ends
        self, deadline: float | None, cancellation: Cancellation, wakeup: WakeupPipe
    ) -> Arrival:
        """Read until the end, the deadline, a cancellation or a violation; return the last look.

        Behind the closing frame the task is over and in time, and only the meter still runs. When
        its report is there, the process has no more to say, and its end is not waited for, unless
        somebody does that anyway: the report comes in some eighty pieces, and to be woken for many
        of them takes longer than the rest of the host's work.
        """
        process = self.process
        meter_deadline: float | None = None
        while True:
            arrival = wait(process, meter_deadline or deadline, wakeup, self.scratch)
            if arrival.cancelled and not cancellation.cancelled:
                # It rang for answers.
                arrival = arrival._replace(cancelled=False)
                wakeup.clear()
            for reply in self.dispatcher.replies(_UNREAD - process.unsent):
                process.send(reply)
            self._keep_tail(arrival.stderr)
            self._look(arrival)
            try:
                for frame in self.decoder.feed(arrival.stdout):
                    self._take(frame)
                if self.decoder.coming is not None and not self._make_room(deadline, cancellation):
                    stopped = cancellation.cancelled
                    late = not stopped and self.overflow is None
                    return arrival._replace(cancelled=stopped, timed_out=late)
            except WireError as error:
                # Its traceback would hold all that the run has open, until the collector comes.
                self.violation = error.with_traceback(None)
                return arrival
            if self._keeps and self.decoder.closed:
                self.over_at = time.monotonic()
                return arrival
            if self.decoder.closed and is_whole(self.tail, self.seal):
                self.reported = True
                return arrival
            if meter_deadline is not None and self._to_end and self.seal in self.tail:
                # Nothing that the guest wrote is in the way of the report: it all came before this.
                process.rest(meter_deadline, wakeup)
                self._to_end = False
            if self.decoder.closed and meter_deadline is None:
                self.over_at = time.monotonic()
                meter_deadline = self.over_at + _METER_SECONDS
                if not (arrival.ended or arrival.cancelled):
                    continue
            if arrival.ended or arrival.timed_out or arrival.cancelled:
                return arrival
            self.overflow = self.scratch.overflow(process.pid)
            if self.overflow is not None:
                return arrival

    def _look(self, arrival: Arrival) -> None:
        """Look where the program is: the last chance is when it is late, or wasmtime complains."""
        # Behind the seal the task is over, though the closing frame may not be read yet.
        if self._initial is None or self.decoder.closed or self.seal in self.tail:
            return
        ending = arrival.timed_out or begins_report(arrival.stderr)
        if not ending and (arrival.ended or time.monotonic() < self._first_look):
            return
        if self._position is None:
            from capsule.runner.last_position import PositionWatch  # most are over before this

            self._position = PositionWatch(self.process.pid, self._initial)
        self._position.look(ending=ending)

    @property
    def is_kept(self) -> bool:
        """Whether a keeper goes on: the task has answered, and its code is over as it has to be."""
        return self._keeps and self.decoder.closed and not (self.violation or self.overflow)

    @property
    def position(self) -> Position | None:
        """Where the program was seen last."""
        return None if self._position is None else self._position.last

    def _make_room(self, deadline: float | None, cancellation: Cancellation) -> bool:
        """Have room for the large frame that is coming; say whether there is some in time.

        There is none for a sandbox that fills its `/tmp` meanwhile, which is looked at as ever: it
        may have announced an answer only to be waited for. Raises `WireError` for a call that there
        is no room for.
        """
        kind, length = self.decoder.coming or (0, 0)
        if self._roomy:
            return True
        self._roomy = True
        if kind == frames.CALL:
            self.dispatcher.expect(length)
            return True
        # Whoever answers reads nothing more, and what it left unread may be in the way of this.
        self.dispatcher.abandon()
        while True:
            look = self.scratch.next_look
            until = look if deadline is None else min(look, deadline)
            if self._hold.resize(length, until, cancellation):
                return True
            if cancellation.cancelled or (deadline is not None and time.monotonic() >= deadline):
                return False
            self.overflow = self.scratch.overflow(self.process.pid)
            if self.overflow is not None:
                return False

    def _take(self, frame: Frame) -> None:
        self._roomy = False
        if frame.kind == frames.STDOUT:
            data = bytes(frame.payload)
            self.stdout.add(data)
            self.output.stdout(data)
        elif frame.kind == frames.STDERR:
            data = bytes(frame.payload)
            self.stderr.add(data)
            self.output.stderr(data)
        elif frame.kind == frames.CALL:
            self.dispatcher.take(frame.payload)
        elif frame.kind == frames.CLOSED:
            self.memory = int.from_bytes(frame.payload[:4], "little") << 16
        else:
            self.answer = frame

    def _keep_tail(self, data: bytes) -> None:
        """Keep the end of descriptor 2: wasmtime's report is there, behind what the guest wrote."""
        self.tail += data
        if len(self.tail) > 2 * TAIL:
            self.tail_left_out += len(self.tail) - TAIL
            del self.tail[:-TAIL]


def _fuel(plan: Plan, report: TrapReport) -> int | None:
    if report.drain_offset is not None:
        offset = report.drain_offset - plan.first_step
        if not 0 <= offset < fuel_reading.STEPS * fuel_reading.STEP_LENGTH:
            return None  # of a guest's own making: the meter has no such step
        # The least call takes ten times what the meter may be wrong by, and none takes nothing.
        return fuel_reading.read(plan.launch.budget, offset).middle or 1
    return plan.launch.budget if report.out_of_fuel else None
