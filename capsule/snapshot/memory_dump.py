"""Taking a picture of the interpreter's memory when a turn of Python is over.

The code of that turn may be hostile. It can make its own picture useless, and no more: what comes
is bounded, and the picture counts only behind the closing frame, which no guest code can write.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.policy.units import format_ram
from capsule.process import sandbox_process
from capsule.process.process_protocol import wait
from capsule.process.trap_report import TAIL, read_report
from capsule.shared import frames
from capsule.snapshot.changed_pages import Comparison
from capsule.snapshot.preopens import forgotten
from capsule.wasm import PAGE
from capsule.wire.decoder import Decoder

if TYPE_CHECKING:
    from capsule.confine.isolation_layers import Walls
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
# How long the picture itself may take behind the guest's answer.
_DEVELOPING = 30.0
# The linear memory that a picture may have, and that a camera's run is limited to.
MAX_MEMORY = 1 << 30
_GRACE = 5.0


class Bounds(NamedTuple):
    """How long the guest may take: `deadline` is in the seconds of `time.monotonic`."""

    deadline: float
    cancellation: Cancellation


class Picture(NamedTuple):
    """What changed in memory, how long that is in bytes, and what the guest answered before."""

    pages: list[PageRun]
    memory: int
    answer: Frame


class Spoilt(NamedTuple):
    """Why there is no picture; `limited` means that more time, fuel or memory could help."""

    reason: str
    limited: bool = False
    timed_out: bool = False
    cancelled: bool = False


def picture(
    launch: Launch, walls: Walls, request: bytes, before: bytes | memoryview, bounds: Bounds
) -> Picture | Spoilt:
    """Run the camera driver of `launch` and return what changed in memory since `before`.

    Raises what starting a process raises.
    """
    seconds = max(bounds.deadline - time.monotonic(), 0) + _DEVELOPING
    with sandbox_process.start(launch, walls, timeout_ms=round(seconds * 1000)) as started:
        process = started.process
        film = _Film(started.seal, before)
        process.send(request)
        try:
            last = _expose(process, film, started.scratch, bounds)
        except WireError as error:
            return Spoilt(error.message)
        if not last.ended:
            timed_out = last.timed_out and not last.cancelled
            return Spoilt(
                "it took too long", limited=True, timed_out=timed_out, cancelled=last.cancelled
            )
        status = process.reap(time.monotonic() + _GRACE, bounds.cancellation)
    if status != 0:
        return _spoilt(launch, bytes(film.errors), status)
    if film.answer is None or film.comparison.size != film.expected:
        return Spoilt("it ended without a picture")
    return Picture(forgotten(film.comparison.runs()), film.expected, film.answer)


class _Film:
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


def _expose(process: Process, film: _Film, tmp: Scratch, bounds: Bounds) -> Arrival:
    deadline = bounds.deadline
    while True:
        arrival = wait(process, deadline, bounds.cancellation, tmp)
        answered = film.answer is not None
        film.take(arrival)
        if film.answer is not None and not answered:
            # The guest was in time. How long its memory takes to get here is not its matter.
            deadline = time.monotonic() + _DEVELOPING
            if not arrival.cancelled and not arrival.ended:
                continue
        if arrival.ended or arrival.timed_out or arrival.cancelled:
            return arrival
        if overflow := tmp.overflow(process.pid):
            raise WireError(overflow)


def _spoilt(launch: Launch, errors: bytes, status: int) -> Spoilt:
    report = read_report(errors, status)
    if report.out_of_fuel:
        return Spoilt(f"it spends more than {launch.fuel:.1e} fuel", limited=True)
    died = report.reason or f"it ended with status {status}"
    return Spoilt(f"the interpreter died: {died}", limited=True)
