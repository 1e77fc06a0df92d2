"""What a hostile run can make its host keep: bounded for the whole tree of its tasks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux"),
]

MB = 1 << 20
MOST = 256 * MB

# Runs a task that asks for nothing first: what the host takes for any run is no part of the answer.
HOST = """
import json, sys
from pathlib import Path
from capsule import run_sync
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) << 10
run_sync("task.py", kwargs={"quiet": True}).unwrap()
Path("/proc/self/clear_refs").write_text("5")
quiet = peak()
envelope = run_sync("task.py")
print(json.dumps([peak() - quiet, envelope.result, envelope.error]))
"""
HEAD = """
import asyncio, json, time
from capsule import task
from capsule_guest.channel import send
from capsule.shared.frames import CALL, pack_call
SMALL = '{"":0},'
MANY = [{"": 0}] * 150_000
LARGE = 62 << 20
def throw(number, fields):
    send(CALL, pack_call(json.dumps({"call": number, "op": "task", **fields}).encode(), b""))
@task(compute="HIGH")
def text(): return "x" * LARGE
@task(compute="HIGH")
def objects(): return [{"": 0}] * (LARGE // 21)
@task(compute="HIGH")
async def slow(values): await asyncio.sleep(0.1)
@task(compute="HIGH")
async def middle(values): await asyncio.gather(*(slow(values) for _ in range(18)))
@task(compute="HIGH")
async def length(values): return len(values)
@task(compute="HIGH", timeout="25s")
"""
MAIN = "async def main(quiet=False):\n    if quiet: return\n"

ATTACKS = {
    "queued calls of many parts": "await asyncio.gather(*(slow(MANY) for _ in range(50)))",
    "queued calls, one level deeper": "await asyncio.gather(*(middle(MANY) for _ in range(18)))",
    "fields of many parts": "asked = {'name': 'slow', 'args': [MANY[:100_000]], 'kwargs': {}}\n"
    "    for n in range(1 << 40, (1 << 40) + 60): throw(n, asked)\n    time.sleep(2)",
    "answers that nobody reads": "for n in range(1 << 40, (1 << 40) + 40):\n"
    "        throw(n, {'name': 'text', 'args': [], 'kwargs': {}})\n    time.sleep(5)",
    "answers of many parts that nobody reads": "for n in range(1 << 40, (1 << 40) + 40):\n"
    "        throw(n, {'name': 'objects', 'args': [], 'kwargs': {}})\n    time.sleep(8)",
}


def measured(folder: Path, home: Path, body: str) -> tuple[int, Any, Any]:
    """How much the host takes above its quiet state; what came of it."""
    (folder / "task.py").write_text(HEAD + MAIN + f"    {body}\n")
    done = subprocess.run(
        [sys.executable, "-c", HOST],
        cwd=folder,
        env={"CAPSULE_HOME": str(home), "HOME": str(folder), "CAPSULE_RECORD": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    grown, result, error = json.loads(done.stdout)
    return grown, result, error


@pytest.mark.parametrize("name", ATTACKS)
def test_the_host_keeps_little(name: str, tmp_path: Path, toolchain_home: Path) -> None:
    grown, _, error = measured(tmp_path, toolchain_home, ATTACKS[name])
    assert grown < MOST, f"{grown / MB:.0f} MB, {error}"


def test_large_answers_that_are_read_all_arrive(tmp_path: Path, toolchain_home: Path) -> None:
    body = "return [len(text().result) for _ in range(3)] + [(await length(MANY)).result]"
    grown, result, error = measured(tmp_path, toolchain_home, body)
    assert result == [62 * MB] * 3 + [150_000], error
    assert grown < MOST, f"{grown / MB:.0f} MB"
