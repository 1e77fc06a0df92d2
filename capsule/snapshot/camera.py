"""Taking a picture of the interpreter's memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from capsule.errors import ToolchainError
from capsule.process import launch as starting
from capsule.process.cancel import Cancellation
from capsule.process.report import read_report
from capsule.wasm import PAGE

if TYPE_CHECKING:
    from capsule.confine.walls import Walls
    from capsule.process.argv import Launch

# A picture is the whole linear memory; WebAssembly's own bound is 4 GiB.
_LARGEST = 1 << 30
_SECONDS = 120


def picture(launch: Launch, walls: Walls) -> bytes:
    """Run a camera driver and return the memory that it wrote.

    Raises `ToolchainError` when the run fails, takes more than two minutes, or prints anything in
    front of the memory.
    """
    memory = bytearray()
    errors = bytearray()
    deadline = time.monotonic() + _SECONDS
    with (
        Cancellation() as never,
        starting.start(launch, walls, timeout_ms=_SECONDS * 1000) as process,
    ):
        while True:
            arrival = process.wait(deadline, never)
            memory += arrival.stdout
            errors += arrival.stderr
            if arrival.ended or arrival.timed_out or len(memory) > _LARGEST:
                break
        status = process.reap(deadline, never) if arrival.ended else process.end()
    if status != 0 or not memory or len(memory) % PAGE:
        report = read_report(bytes(errors), status)
        said = (bytes(memory[:200]) + report.raw_stderr[-400:]).decode(errors="replace").strip()
        raise ToolchainError(
            f"the interpreter could not be started for its snapshot (status {status}): "
            f"{report.reason or 'no report'}; it printed {said!r}",
            hint="capsule toolchain verify",
        )
    return bytes(memory)
