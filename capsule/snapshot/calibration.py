"""What a run costs besides the call of its task: restoring the snapshot, reading the request.

It is the same for every run of a driver, to within the meter's resolution, so it is measured once,
added to each run's allowance and never shown to the task.
"""

from __future__ import annotations

import time

from capsule.errors import ToolchainError
from capsule.namedtuples import NamedTuple
from capsule.process import launch as starting
from capsule.process.cancel import Cancellation
from capsule.process.trap_report import read_report
from capsule.shared import frames
from capsule.snapshot import fuel_reading, request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.process.argv import Launch

_ALLOWANCE = 4_000_000_000
_SECONDS = 60


class Costs(NamedTuple):
    """What a run takes besides the call of its task, and what one takes more that is warmed up."""

    overhead: int
    warming: int


def costs(
    launch: Launch, first_step: int, layers: IsolationLayers, hollow: bytes, null: bytes
) -> Costs:
    """Return what runs of a driver cost, from the request of a hollow call and of a null one.

    What follows a warming up takes a little less for it. That is taken off here, so that a task
    shows the same fuel either way.

    Raises `ToolchainError` when such a run does not end as it must.
    """
    cold = overhead(launch, first_step, layers, null)
    warmed = overhead(launch, first_step, layers, null, warm=True)
    return Costs(overhead(launch, first_step, layers, hollow), warmed - cold)


def overhead(
    launch: Launch, first_step: int, layers: IsolationLayers, asked: bytes, *, warm: bool = False
) -> int:
    """Return the fuel that a run takes, to within some 500 units.

    `asked` is its request, whose answer has to be null. With `warm`, the run is told to warm up
    before. The meter reads finely near nothing, so a second run gets just what the first one took
    as its overhead, and what is read then is the small rest.

    Raises `ToolchainError` when such a run does not end as it must.
    """
    launch = launch._replace(budget=_ALLOWANCE)
    expected = frames.frame(frames.RESULT, b"null")
    if warm:
        asked, expected = request.warm() + asked, request.READY + expected
    first = _reading(launch._replace(fuel=_ALLOWANCE), first_step, layers, (asked, expected)).low
    more = launch._replace(fuel=_ALLOWANCE + first)
    return first + _reading(more, first_step, layers, (asked, expected)).middle


def _reading(
    launch: Launch, first_step: int, layers: IsolationLayers, talk: tuple[bytes, bytes]
) -> fuel_reading.Reading:
    asked, expected = talk
    deadline = time.monotonic() + _SECONDS
    answer, errors = bytearray(), bytearray()
    with (
        Cancellation() as never,
        starting.start(launch, layers, timeout_ms=_SECONDS * 1000) as process,
    ):
        process.send(asked)
        while True:
            arrival = process.wait(deadline, never)
            answer += arrival.stdout[: 1 << 16]
            errors += arrival.stderr[: 1 << 16]
            if arrival.ended or arrival.timed_out:
                break
        status = process.reap(deadline, never) if arrival.ended else process.end()
    report = read_report(bytes(errors), status)
    if report.drain_offset is None or not answer.startswith(expected):
        raise ToolchainError(
            f"a run without a task did not end as it has to (status {status}): "
            f"{report.reason or 'no report'}; it wrote {bytes(answer[:200])!r}",
            hint="capsule toolchain verify",
        )
    return fuel_reading.read(launch.budget, report.drain_offset - first_step)
