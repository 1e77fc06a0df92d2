"""One sandbox process with all that is its own: what a run, an import or a pool starts."""

from __future__ import annotations

import os
from contextlib import ExitStack

from capsule.confine.scratch import scratch
from capsule.process import launch as starting
from capsule.process.argv import SEAL_DIGITS
from capsule.process.mounts import mounted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.confine.isolation_layers import IsolationLayers
    from capsule.confine.scratch import Scratch
    from capsule.process.argv import Launch
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

    def close(self) -> None:
        """End the process if it runs, and delete its folders."""
        self._owned.close()

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


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
