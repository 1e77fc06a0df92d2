"""One sandbox process with all that is its own: what a run, an import or a pool starts."""

from __future__ import annotations

import os
from contextlib import ExitStack, nullcontext

from capsule.confine.scratch import scratch
from capsule.namedtuples import NamedTuple
from capsule.process import launch as starting
from capsule.process.argv import SEAL_DIGITS
from capsule.process.mounts import mounted, places_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.confine.scratch import Scratch
    from capsule.process.argv import Launch
    from capsule.process.mounts import Place
    from capsule.process.process_protocol import Process


class SandboxProcess:
    """A started process, its private folders, and the copies of folders that it may only read.

    `seal` is the text that its closing frame has to bear. `with` it, or call `close`.
    """

    def __init__(self, process: Process, scratch: Scratch, seal: str, owned: ExitStack) -> None:
        self.process, self.scratch, self.seal = process, scratch, seal
        self._owned = owned

    def __repr__(self) -> str:
        return f"<SandboxProcess {self.process!r} with {self.scratch!r}>"

    def detached(self) -> SandboxProcess:
        """Return one that has all that was this one's, to be closed by whoever has it."""
        return SandboxProcess(self.process, self.scratch, self.seal, self._owned.pop_all())

    def asked(self, request: bytes, passed: memoryview | None) -> AbstractContextManager[Process]:
        """Send a request, and what is `passed` behind it; give the process, which stays open."""
        self.scratch.begin()
        self.process.send(request)
        if passed is not None:
            self.process.send(passed)
        return nullcontext(self.process)

    def close(self) -> None:
        """End the process if it runs, and delete its folders."""
        self._owned.close()

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Terms(NamedTuple):
    """What a process is started with, by which it is judged which runs it can be used for."""

    launch: Launch
    layers: IsolationLayers
    timeout_ms: int | None

    def allow(self, needed: Terms) -> bool:
        """Say whether a process that has these terms has those that are needed, too.

        It may have been started for more time: the deadline is kept by whoever waits for the
        answer, and the bound on processor time, which is the last resort, can be lowered.

        >>> had, needed = Terms("launch", "layers", None), Terms("launch", "layers", 1_000)
        >>> had.allow(needed), needed.allow(had), needed.allow(needed._replace(launch="another"))
        (True, False, False)
        """
        if (self.launch, self.layers) != (needed.launch, needed.layers):
            return False
        had, needs = self.timeout_ms, needed.timeout_ms
        return had is None or (needs is not None and needs <= had)


class Waiting(NamedTuple):
    """A process that waits for its request, and where its folders really were at its start."""

    sandbox: SandboxProcess
    terms: Terms
    places: tuple[Place, ...]

    def take(self, needed: Terms) -> bool:
        """Say whether a run can have it; it has the bound on processor time of that run then.

        It is not where it has ended or said something, or where one of its folders is another by
        now: one that was deleted and made again is, and the process has the one that is gone.
        """
        fit = (
            self.terms.allow(needed)
            and self.places == places_of(needed.launch.mounts)
            and self.sandbox.process.is_quiet()
        )
        if fit and needed.timeout_ms is not None and needed.timeout_ms != self.terms.timeout_ms:
            starting.limit_time(self.sandbox.process, needed.timeout_ms)
        return fit


def start(launch: Launch, layers: IsolationLayers, *, timeout_ms: int | None) -> SandboxProcess:
    """Start the sandbox that `launch` describes, with a seal and private folders of its own.

    Raises what `capsule.process.launch.start` and the folders' making raise; nothing is left then.
    """
    seal = os.urandom(SEAL_DIGITS // 2).hex()
    with ExitStack() as owned:
        tmp = owned.enter_context(scratch())
        mounts = owned.enter_context(mounted(launch.mounts, tmp))
        launch = launch._replace(seal=seal, mounts=mounts)
        process = owned.enter_context(starting.start(launch, layers, timeout_ms=timeout_ms))
        return SandboxProcess(process, tmp, seal, owned.pop_all())
    raise AssertionError  # an ExitStack swallows nothing here
