"""The limits of a sandbox process, as the kernel has them: the last resort beside fuel and memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine.isolation_layers import limit

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for its stdin to end."""
    argv = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as running:
        yield running


def limits_of(process: subprocess.Popen[bytes]) -> dict[str, tuple[str, str]]:
    """The soft and hard limits of a process, by the kernel's names."""
    lines = Path(f"/proc/{process.pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): (line[26:47].strip(), line[47:68].strip()) for line in lines}


def test_a_process_is_limited_for_good(process: subprocess.Popen[bytes]) -> None:
    limit(process.pid, cpu_seconds=7, file_size=1 << 20)
    found = limits_of(process)
    assert found["Max core file size"] == ("0", "0")
    assert found["Max open files"] == ("256", "256")
    assert found["Max cpu time"] == ("7", "7")
    assert found["Max file size"] == ("1048576", "1048576")


def test_what_is_not_said_stays_as_it_is(process: subprocess.Popen[bytes]) -> None:
    before = limits_of(process)
    limit(process.pid, cpu_seconds=None, file_size=None)
    after = limits_of(process)
    assert after["Max cpu time"] == before["Max cpu time"]
    assert after["Max file size"] == before["Max file size"]
    assert after["Max open files"] == ("256", "256")


def test_a_process_that_is_gone_needs_none(process: subprocess.Popen[bytes]) -> None:
    process.communicate()
    limit(process.pid, cpu_seconds=1, file_size=0)
