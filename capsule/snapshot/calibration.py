"""What a run costs besides the task: restoring the snapshot, reading a request, answering.

It is the same for every run of a driver, to within the meter's resolution, so it is measured once,
added to each run's allowance and never shown to the task.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from capsule.errors import ToolchainError
from capsule.process import launch as starting
from capsule.process.cancel import Cancellation
from capsule.process.trap_report import read_report
from capsule.shared import frames
from capsule.snapshot import fuel_meter, request

if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.process.argv import Launch

_ALLOWANCE = 4_000_000_000
_SECONDS = 60


def overhead(
    launch: Launch, first_step: int, layers: IsolationLayers, asked: bytes, *, warm: bool = False
) -> int:
    """Return the fuel that a run takes whose task does nothing, to within some 500 units.

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
) -> fuel_meter.Reading:
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
    return fuel_meter.read(launch.budget, report.drain_offset - first_step)
