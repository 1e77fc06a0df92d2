"""The command line of a sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from capsule.errors import UsageError
from capsule.process.argv import BUDGET_DIGITS, SEAL_DIGITS, Launch, Mount, command_line

LAUNCH = Launch(
    wasmtime=Path("/t/wasmtime"),
    image=Path("/c/memory.cwasm"),
    guard=Path("/c/guard.cwasm"),
    host_module=Path("/c/host.cwasm"),
    interpreter=Path("/t/core.cwasm"),
    driver=Path("/c/driver.cwasm"),
    codegen="cache=n,native-unwind-info=n",
    fuel=2_003_771_035,
    budget=2_000_000_000,
    seal="0123456789abcdef",
    mounts=(Mount(Path("/t/stdlib"), "/usr/local/lib", writable=False),),
)


def test_the_whole_line() -> None:
    assert command_line(LAUNCH) == [
        "/t/wasmtime",
        "run",
        "-C",
        "cache=n,native-unwind-info=n",
        "-W",
        "exceptions=y,fuel=2003771035,max-wasm-stack=67108864,async-stack-size=69206016",
        "--allow-precompiled",
        "--argv0",
        "python",
        "--dir",
        "/t/stdlib::/usr/local/lib",
        "--preload",
        "memory=/c/memory.cwasm",
        "--preload",
        "guard=/c/guard.cwasm",
        "--preload",
        "host=/c/host.cwasm",
        "--preload",
        "python=/t/core.cwasm",
        "/c/driver.cwasm",
        "00000000773594000123456789abcdefp1",
    ]


def test_a_memory_limit_is_said_in_bytes() -> None:
    line = command_line(LAUNCH._replace(memory=64 << 20))
    assert line[5].endswith(",max-memory-size=67108864")


def test_a_folder_that_cannot_be_said_is_refused() -> None:
    mount = Mount(Path("/home/a::b"), "/data", writable=True)
    with pytest.raises(UsageError, match="'::'"):
        command_line(LAUNCH._replace(mounts=(mount,)))


def test_no_value_of_the_host_environment_is_on_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "hunter2")
    assert not any("hunter2" in word for word in command_line(LAUNCH))


def test_the_guard_is_told_what_each_folder_is() -> None:
    place = Path("/x")
    mounts = (
        Mount(place, "/usr/local/lib", writable=False),
        Mount(place, "/data", writable=True),
        Mount(place, "/copies", writable=False, private=True),
        Mount(place, "/", writable=True, private=True),
    )
    words = command_line(LAUNCH._replace(mounts=mounts, names="w"))[-1]
    assert words[BUDGET_DIGITS + SEAL_DIGITS :] == "w1213"
