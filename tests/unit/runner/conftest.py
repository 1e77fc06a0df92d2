"""A scripted fake sandbox: a small program that stands in for wasmtime and speaks the wire."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from capsule.confine.isolation_layers import IsolationLayers
from capsule.process.argv import Launch
from capsule.process.cancel import Cancellation
from capsule.runner.attempt import Attempt, Cold, Plan, attempt
from capsule.runner.limit_messages import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capsule.runner.memory_budget import RunMemory

LIMITS = Limits(2_000_000_000, None, 20_000)
_PRELUDE = """#!{python} -SEs
import os, sys, time
sys.path.insert(0, {package!r})
from capsule.shared.frames import *
def send(kind, payload): raw(frame(kind, payload))
def raw(data):
    while data: data = data[os.write(1, data):]
def request(): return os.read(0, 1 << 20)
def fill(size):
    tmp = next(said for said in sys.argv if said.endswith("::/tmp")).removesuffix("::/tmp")
    with open(os.path.join(tmp, "file"), "wb") as file: file.write(bytes(size))
def trap(reason, *frames):
    lines = [f"    {{n}}: {{f}}" for n, f in enumerate(frames)]
    os.write(2, "\\n".join(["Error: failed to run main module `x`", "", "Caused by:",
        "    0: failed to invoke command default", "    1: error while executing at wasm backtrace:",
        *lines, f"    2: wasm trap: {{reason}}", "", ""]).encode())
    os._exit(134)
def drain(offset=0):
    trap("all fuel consumed by WebAssembly", f"{{1000 + offset:#x}} - capsule_host!drain",
        "0x3d - capsule_driver!_start")
def close(pages=640): send(CLOSED, pages.to_bytes(4, "little") + sys.argv[-1][16:32].encode())
"""


class Seen:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.err = bytearray()

    def stdout(self, data: bytes) -> None:
        self.out += data

    def stderr(self, data: bytes) -> None:
        self.err += data


class FakeSandbox:
    """Runs attempts against scripts."""

    def __init__(self, folder: Path, cancellation: Cancellation) -> None:
        self.folder, self.cancellation = folder, cancellation
        self.seen = Seen()

    def attempt(
        self, script: str, *, limits: Limits = LIMITS, memory: RunMemory | None = None
    ) -> Attempt:
        import capsule

        program = self.folder / "wasmtime"
        package = str(next(iter(capsule.__path__)).removesuffix("/capsule"))
        program.write_text(_PRELUDE.format(python=sys.executable, package=package) + script)
        program.chmod(0o755)
        nothing = self.folder / "nothing"
        launch = Launch(
            program,
            nothing,
            nothing,
            nothing,
            nothing,
            nothing,
            codegen="cache=n",
            fuel=limits.compute,
            budget=limits.compute,
        )
        walls = IsolationLayers(landlock=0)
        plan = Plan(launch, 1000, walls, b"request", limits, memory=memory)
        return attempt(plan, Cold(), self.seen, self.cancellation)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[FakeSandbox]:
    with Cancellation() as cancellation:
        yield FakeSandbox(tmp_path, cancellation)
