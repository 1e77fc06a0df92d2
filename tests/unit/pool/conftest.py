"""A scripted fake sandbox that can be started ahead, and plans for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from capsule.confine.isolation_layers import IsolationLayers
from capsule.process.argv import Launch
from capsule.runner.attempt import Plan
from capsule.runner.limit_messages import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Plans = Callable[..., Plan]

_PRELUDE = """#!{python} -SEs
import os, sys
sys.path.insert(0, {package!r})
from capsule.shared.frames import *
def send(kind, payload=b""): os.write(1, frame(kind, payload))
def receive():
    head = os.read(0, HEADER.size)
    if not head: os._exit(1)
    return HEADER.unpack(head)[0]
"""
WAITS = "assert receive() == WARM; send(READY); receive()"


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    """Return plans for a fake sandbox that runs a script."""

    def plan(script: str = WAITS, **changes: object) -> Plan:
        import capsule

        program = tmp_path / f"wasmtime-{abs(hash(script))}"
        package = next(iter(capsule.__path__)).removesuffix("/capsule")
        program.write_text(_PRELUDE.format(python=sys.executable, package=package) + script)
        program.chmod(0o755)
        nothing = tmp_path / "nothing"
        launch = Launch(
            program, nothing, nothing, nothing, nothing, nothing, "cache=n", fuel=1000, budget=1000
        )
        made = Plan(
            launch, 0, IsolationLayers(landlock=0), b"request", Limits(1000, None, None), warming=10
        )
        return made._replace(**changes)  # type: ignore[arg-type]

    return plan
