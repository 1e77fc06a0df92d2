"""One process that was started ahead: it has gone through the motions and waits for its request."""

from __future__ import annotations

import time

from capsule.errors import CapsuleError
from capsule.pool.quota import own_memory
from capsule.process import sandbox_process
from capsule.process.mounts import places_of
from capsule.snapshot import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.process.mounts import Place
    from capsule.process.process_protocol import Stop
    from capsule.process.sandbox_process import SandboxProcess
    from capsule.runner.attempt import Plan

# How long a process may take until it waits; on a machine that is very busy, seconds.
_SECONDS = 60.0


class PrestartedProcess:
    """A process that waits, and where its folders really were when it was started.

    `size` is the memory that it has for itself, in bytes.
    """

    def __init__(self, started: SandboxProcess, places: tuple[Place, ...]) -> None:
        self.sandbox = started
        self.size = own_memory(started.process.pid)
        self._places = places

    def __repr__(self) -> str:
        return f"<PrestartedProcess {self.sandbox!r}>"

    def is_fit(self, plan: Plan) -> bool:
        """Say whether it still waits, and its folders are still those of their paths.

        A folder that was deleted and made again is another one; it has the one that is gone.
        """
        return self.sandbox.process.is_quiet() and self._places == places_of(plan.launch.mounts)


def serves(mine: Plan, plan: Plan) -> bool:
    """Say whether a process that was started for `mine` can be used for `plan`.

    The time limit is kept by the host; the process has a bound on its processor time from it, which
    may be larger than it had to be.
    """
    had, needs = mine.limits.timeout_ms, plan.limits.timeout_ms
    enough = needs is None if had is None else needs is not None and needs <= had
    return enough and mine.launch == plan.launch


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
    return PrestartedProcess(started, places)


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
