"""One process that was started ahead: it has gone through the motions and waits for its request."""

from __future__ import annotations

import time

from capsule.errors import CapsuleError
from capsule.pool.quota import own_memory
from capsule.process import sandbox_process
from capsule.process.mounts import places_of
from capsule.process.sandbox_process import Terms, Waiting
from capsule.snapshot import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.process.process_protocol import Stop
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan

# How long a process may take until it waits; on a machine that is very busy, seconds.
_SECONDS = 60.0


class PrestartedProcess:
    """A process that waits; `size` is the memory that it has for itself, in bytes."""

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        self.size = own_memory(waiting.sandbox.process.pid)

    def __repr__(self) -> str:
        return f"<PrestartedProcess {self.sandbox!r}>"

    @property
    def sandbox(self) -> SandboxProcess:
        """The process."""
        return self.waiting.sandbox


def terms_of(plan: Plan) -> Terms:
    """Return what a process for a plan is started with."""
    return Terms(plan.launch, plan.layers, plan.limits.timeout_ms)


def prestart(plan: Plan, stop: Stop) -> PrestartedProcess:
    """Start a process for a plan whose `warming` is known, and return it when it waits.

    Raises `CapsuleError` when it cannot be started, or does not come to wait; nothing is left then.
    """
    warming = plan.warming or 0
    launch = plan.launch._replace(fuel=plan.launch.fuel + warming)
    places = places_of(launch.mounts)
    started = sandbox_process.start(launch, plan.layers, timeout_ms=plan.limits.timeout_ms)
    try:
        _warm_up(started, stop)
    except BaseException:
        started.close()
        raise
    # What it has of fuel for the motions is none of the run's.
    return PrestartedProcess(Waiting(started, terms_of(plan), places))


def _warm_up(started: SandboxProcess, stop: Stop) -> None:
    process, answer = started.process, b""
    deadline = time.monotonic() + _SECONDS
    process.send(request.warm())
    while answer != request.READY:
        arrival = process.wait(deadline, stop)
        answer += arrival.stdout
        over = arrival.ended or arrival.timed_out or arrival.cancelled
        # Its import was a stranger's: it may say anything in place of that it is ready.
        if over or arrival.stderr or not request.READY.startswith(answer):
            raise CapsuleError("a sandbox that was started ahead did not come to wait")
