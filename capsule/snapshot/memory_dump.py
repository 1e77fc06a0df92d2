"""Dumping the interpreter's memory when a turn of Python is over.

The code of that turn may be hostile. It can make its own dump useless, and no more: what comes
is bounded, and the dump counts only behind the closing frame, which no guest code can write.
"""

from __future__ import annotations

import time

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.process import sandbox_process
from capsule.process.process_protocol import wait
from capsule.process.trap_report import TAIL, read_report
from capsule.shared import frames
from capsule.snapshot.changed_pages import MAX_UNCHANGED, Comparison, farthest
from capsule.snapshot.preopens import forgotten
from capsule.wasm import PAGE
from capsule.wire.decoder import Decoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.confine.scratch import Scratch
    from capsule.process.argv import Launch
    from capsule.process.cancel import Cancellation
    from capsule.process.process_protocol import Arrival, Process
    from capsule.snapshot.changed_pages import PageRun
    from capsule.wire.decoder import Frame

# All that changed in memory: pandas, scipy, scikit-learn, matplotlib, statsmodels and sympy
# together change 160 MB, in 160 runs of pages. wasmtime takes long to compile many runs.
MAX_CHANGED = 256 << 20
MAX_RUNS = 4096
# The guest's report: a few words.
_MAX_ANSWER = 64 << 10
# How long the dump itself may take behind the guest's answer.
_DUMP_SECONDS = 30.0
# The linear memory that a dump may have, and that its run is limited to.
MAX_MEMORY = 1 << 30
_GRACE = 5.0


class Bounds(NamedTuple):
    """How long the guest may take: `deadline` is in the seconds of `time.monotonic`."""

    deadline: float
    cancellation: Cancellation


class MemoryDump(NamedTuple):
    """What changed in memory, how long that is in bytes, and what the guest answered before."""

    pages: list[PageRun]
    memory: int
    answer: Frame


class DumpFailure(NamedTuple):
    """Why there is no dump; `limited` means that more time, fuel or memory could help."""

    reason: str
    limited: bool = False
    timed_out: bool = False
    cancelled: bool = False


def dump_memory(
    launch: Launch,
    layers: IsolationLayers,
    request: bytes,
    before: bytes | memoryview,
    bounds: Bounds,
) -> MemoryDump | DumpFailure:
    """Run the dump driver of `launch` and return what changed in memory since `before`.

    Raises what starting a process raises.
    """
    seconds = max(bounds.deadline - time.monotonic(), 0) + _DUMP_SECONDS
    with sandbox_process.start(launch, layers, timeout_ms=round(seconds * 1000)) as started:
        process = started.process
        incoming = _IncomingDump(started.seal, before)
        process.send(request)
        try:
            last = _receive(process, incoming, started.scratch, bounds)
        except WireError as error:
            return DumpFailure(error.message)
        if not last.ended:
            timed_out = last.timed_out and not last.cancelled
            return DumpFailure(
                "it took too long", limited=True, timed_out=timed_out, cancelled=last.cancelled
            )
        status = process.reap(time.monotonic() + _GRACE, bounds.cancellation)
    if status != 0:
        return _failure(launch, bytes(incoming.errors), status)
    if incoming.answer is None or incoming.comparison.size != incoming.expected:
        return DumpFailure("it ended without a dump")
    if incoming.comparison.reach > farthest(incoming.comparison.changed):
        return DumpFailure(
            f"its snapshot would reach over more than {format_ram(MAX_UNCHANGED)} that it did not"
            " change"
        )
    return MemoryDump(forgotten(incoming.comparison.runs()), incoming.expected, incoming.answer)


class _IncomingDump:
    """What has come so far."""

    def __init__(self, seal: str, before: bytes | memoryview) -> None:
        self.decoder = Decoder(seal, most=_MAX_ANSWER, tail=True)
        self.comparison = Comparison(before)
        self.expected = 0
        self.answer: Frame | None = None
        self.errors = bytearray()

    def take(self, arrival: Arrival) -> None:
        self.errors += arrival.stderr
        del self.errors[:-TAIL]
        if self.decoder.closed:
            self._compare(arrival.stdout)
            return
        for frame in self.decoder.feed(arrival.stdout):
            if frame.kind == frames.CLOSED:
                self.expected = int.from_bytes(frame.payload[:4], "little") * PAGE
            elif frame.kind in (frames.RESULT, frames.FAILURE):
                self.answer = frame
            else:
                raise WireError("it wrote to the descriptor of the answer")
        self._compare(self.decoder.take_tail())

    def _compare(self, data: bytes) -> None:
        self.comparison.feed(data)
        if self.comparison.size > self.expected:
            raise WireError("it wrote more than its memory")
        if self.comparison.changed > MAX_CHANGED:
            raise WireError(f"its snapshot would be larger than {format_ram(MAX_CHANGED)}")
        if self.comparison.pieces > MAX_RUNS:
            raise WireError(f"its snapshot would be in more than {MAX_RUNS:,} pieces")


def _receive(process: Process, incoming: _IncomingDump, tmp: Scratch, bounds: Bounds) -> Arrival:
    deadline = bounds.deadline
    while True:
        arrival = wait(process, deadline, bounds.cancellation, tmp)
        answered = incoming.answer is not None
        incoming.take(arrival)
        if incoming.answer is not None and not answered:
            # The guest was in time. How long its memory takes to get here is not its matter.
            deadline = time.monotonic() + _DUMP_SECONDS
            if not arrival.cancelled and not arrival.ended:
                continue
        if arrival.ended or arrival.timed_out or arrival.cancelled:
            return arrival
        if overflow := tmp.overflow(process.pid):
            raise WireError(overflow)


def _failure(launch: Launch, errors: bytes, status: int) -> DumpFailure:
    report = read_report(errors, status)
    if report.out_of_fuel:
        return DumpFailure(f"it spends more than {launch.fuel:.1e} fuel", limited=True)
    died = report.reason or f"it ended with status {status}"
    return DumpFailure(f"the interpreter died: {died}", limited=True)
