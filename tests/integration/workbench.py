"""What integration tests run tasks with: the real toolchain, the real walls."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from capsule.confine.isolation_layers import IsolationLayers
from capsule.policy.resolve import CallerLimits
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.build_artifact import build, export
from capsule.runner.observer import Nobody
from capsule.runner.run import Order, run
from capsule.runner.source import read_artifact, read_text
from capsule.snapshot.guard_module import passing_module
from capsule.toolstore.compile import compile_module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from capsule.envelope import Envelope
    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Attempt, Output
    from capsule.runner.observer import Which


class Recorder(Nobody):
    """An observer that keeps the attempts, and the output up to a bound."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.printed = 0
        self.out, self.err = bytearray(), bytearray()
        self.plain: str | None = None

    def stdout(self, data: bytes) -> None:
        self._take(self.out, data)

    def stderr(self, data: bytes) -> None:
        self._take(self.err, data)

    def _take(self, kept: bytearray, data: bytes) -> None:
        self.printed += len(data)
        if len(kept) < 1 << 20:
            kept += data

    def unfrozen(self, which: Which, policy: Policy, reason: str) -> None:
        self.plain = reason

    def started(self, which: Which, policy: Policy) -> Output:
        assert which.number == len(self.attempts)
        return self

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
        self.attempts.append(done)


class Counting(Nobody):
    """An observer that knows which attempts have ended, and how many went on at once."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.running = self.most = 0
        self._lock = threading.Lock()

    def started(self, which: Which, policy: Policy) -> Output:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        return self

    def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
        with self._lock:
            self.running -= 1
            self.ran.append(policy.task)


class Workbench:
    """Runs sources in a project folder against one toolchain."""

    def __init__(self, home: Path, project: Path) -> None:
        self.home, self.project = home, project
        self.recorder = Recorder()

    def order(
        self,
        source: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> Order:
        read = read_text(source.encode(), self.project)
        call = prepare.Call(args, kwargs, CallerLimits(**limits))
        return prepare.order(read, call, self.home, Silent())

    def run(
        self,
        source: str,
        *args: Any,
        compute: int | None = None,
        cancellation: Cancellation | None = None,
        **limits: Any,
    ) -> Envelope:
        """Run a source; `compute` replaces what its policy says, `limits` narrow it."""
        order = self.order(source, args, **limits)
        if compute is not None:
            order = order._replace(policy=order.policy._replace(compute=compute))
        return self.run_order(order, cancellation)

    def run_order(self, order: Order, cancellation: Cancellation | None = None) -> Envelope:
        self.recorder = Recorder()
        with Cancellation() as never:
            return run(order, self.recorder, cancellation or never)


def from_source(source: str, project: Path, bench: Workbench) -> Order:
    """The order of a source in a project."""
    read = read_text(source.encode(), project)
    return prepare.order(read, prepare.Call(), bench.home, Silent())


def guard_alone(source: str, project: Path, bench: Workbench) -> Order:
    """The order of a source in a project, where the system has no walls of its own."""
    return from_source(source, project, bench)._replace(layers=IsolationLayers(0))


def system_alone(source: str, project: Path, bench: Workbench) -> Order:
    """The order of a source in a project, with a guard that lets everything pass."""
    order = from_source(source, project, bench)
    guard = bench.home / "passing_guard.cwasm"
    if not guard.exists():
        launch = order.inputs.base.launch
        compile_module(launch.wasmtime, passing_module(), guard, codegen=launch.codegen)
    base = order.inputs.base._replace(launch=order.inputs.base.launch._replace(guard=guard))
    return order._replace(inputs=order.inputs._replace(base=base))


def landlock_alone(source: str, project: Path, bench: Workbench) -> Order:
    """As `system_alone`, and without the filter of system calls."""
    order = system_alone(source, project, bench)
    return order._replace(layers=order.layers._replace(seccomp=False))


def from_artifact(source: str, project: Path, bench: Workbench) -> Order:
    """The order of an artifact that was made of a source, in the same project."""
    read = read_text(source.encode(), project)
    with Cancellation() as never:
        artifact = export(read, build(read, bench.home, Silent(), never))
    (project / "task.wasm").write_bytes(artifact)
    exported = read_artifact(project / "task.wasm", project)
    return prepare.order(exported, prepare.Call(), bench.home, Silent())
