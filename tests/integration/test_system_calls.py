"""All that tasks do, behind a list of what they may ask the kernel for: nothing of it is missing.

These are the workloads that `scripts/trace_calls.py` traces to find the list.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from capsule.confine import isolation_layers
from capsule.policy.units import parse_ram
from capsule.process.cancel import Cancellation
from capsule.runner.run import run
from tests.integration.workbench import Counting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        sys.platform != "linux" or not isolation_layers.standing().seccomp,
        reason="there is no filter of system calls here",
    ),
]

FILES = """
import asyncio, os, posix, random, select, shutil, sqlite3, sys, tempfile, time
from capsule import task

@task(allowed_files=[{"path": "ro", "mode": "read-only"}])
def main():
    fd = os.open("/tmp/a", os.O_RDWR | os.O_CREAT | os.O_EXCL)
    assert os.write(fd, b"x" * 100_000) == 100_000
    assert os.pwrite(fd, b"z", 10) == 1 and os.pread(fd, 2, 10) == b"zx"
    assert os.lseek(fd, 0, 2) == 100_000 and os.lseek(fd, 5, 0) == 5 and os.lseek(fd, 1, 1) == 6
    assert os.read(fd, 3) == b"xxx"
    os.ftruncate(fd, 10)
    os.truncate("/tmp/a", 5)
    os.fsync(fd)
    os.fdatasync(fd)
    for advice in range(6):
        os.posix_fadvise(fd, 0, 10, advice)
    os.set_blocking(fd, False)
    assert os.fstat(fd).st_size == os.stat("/tmp/a").st_size == os.lstat("/tmp/a").st_size == 5
    assert not os.isatty(fd) and not os.isatty(0)
    os.mkdir("/tmp/d")
    os.rename("/tmp/a", "/tmp/d/a")
    os.link("/tmp/d/a", "/tmp/b")
    os.replace("/tmp/b", "/tmp/c")
    os.unlink("/tmp/c")
    assert os.listdir("/tmp/d") == ["a"] and [e.stat().st_size for e in os.scandir("/tmp/d")] == [5]
    for text in "12":
        with open("/tmp/appended", "a") as file:
            file.write(text)
    assert open("/tmp/appended").read() == "12"
    for flags in (os.O_NONBLOCK, os.O_APPEND, os.O_TRUNC):
        os.close(os.open("/tmp/f", os.O_CREAT | os.O_RDWR | flags))
    for n, call in enumerate([
        lambda: posix.utime("/tmp/f", (1, 1)),
        lambda: os.symlink("f", "/tmp/link"),
        lambda: open("/tmp/f/g"),
        lambda: open("ro/new", "w"),
        lambda: open("ro/../../x"),
    ]):
        try:
            call()
        except OSError:
            pass
        else:
            raise AssertionError(n)
    assert os.readlink("ro/link") == "file" and open("ro/link").read() == "content"
    shutil.copytree("ro", "/tmp/copied", symlinks=False)
    shutil.rmtree("/tmp/copied")
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    rows = sqlite3.connect("/tmp/x.db")
    rows.execute("create table t(a)")
    rows.execute("insert into t values (7)")
    rows.commit()
    assert rows.execute("select a from t").fetchall() == [(7,)]
    assert len(os.urandom(1_000_000)) == 1_000_000 and random.random() != random.random()
    before = time.monotonic(), time.time(), time.process_time()
    time.sleep(0.02)
    asyncio.run(asyncio.sleep(0.02))
    assert time.monotonic() > before[0] and time.time() > before[1]
    assert time.clock_getres(0) and time.clock_gettime(1)
    assert select.select([0], [], [], 0.02) == ([], [], [])
    assert select.select([], [1, 2], [], 0.02) == ([], [1, 2], [])
    os.sched_yield()
    print("x" * 100_000)
    print("e", file=sys.stderr)
    return "all"
"""

TASKS = """
import asyncio
from capsule import task

@task
async def inner(n): return n + 1

@task
async def main():
    return [done.result for done in await asyncio.gather(*map(inner, range(8)))]
"""

# How runs end, and by what kind of failure.
ENDS = {
    "def main():\n  while True: pass": "fuel_exhausted",
    "def main():\n  kept = []\n  while True: kept.append(bytearray(100_000_000))": "memory_exceeded",
    "def main():\n  import os; os.abort()": "sandbox_crashed",
    "def main():\n  import faulthandler; faulthandler._sigsegv()": "sandbox_crashed",
    "def main():\n  raise ValueError": "task_error",
    "import time\ndef main():\n  time.sleep(100)": "timeout",
}

SCIENCE = """
import numpy as np, pandas as pd
def main():
    table = pd.DataFrame({"a": np.random.rand(500, 500).sum(axis=1)})
    return len((np.eye(300) @ np.eye(300))) + len(table.describe())
"""


def fresh(source: str) -> str:
    """Return a source that no snapshot was made of: its import is work too."""
    return f"{source}# {os.urandom(8).hex()}\n"


@pytest.mark.parametrize("landlock", [True, False], ids=["both", "filter"])
def test_files_clocks_and_streams(bench: Workbench, tmp_path: Path, landlock: bool) -> None:
    """Without Landlock the program looks at more of the machine: how many processors it may use."""
    (tmp_path / "ro").mkdir()
    (tmp_path / "ro/file").write_text("content")
    (tmp_path / "ro/link").symlink_to("file")
    order = bench.order(fresh(FILES))
    if not landlock:
        order = order._replace(layers=isolation_layers.standing()._replace(landlock=0))
    envelope = bench.run_order(order)
    assert envelope["result"] == "all", envelope["error"]


def test_tasks_that_call_tasks(bench: Workbench) -> None:
    with Cancellation() as never:
        envelope = run(bench.order(fresh(TASKS)), Counting(), never)
    assert envelope["result"] == [*range(1, 9)], envelope["error"]


@pytest.mark.parametrize(("source", "kind"), ENDS.items(), ids=ENDS.values())
def test_all_ends(bench: Workbench, source: str, kind: str) -> None:
    compute = 2_000_000_000 if kind == "fuel_exhausted" else None
    ram = parse_ram("100MB") if kind == "memory_exceeded" else None
    error = bench.run(fresh(f"{source}\n"), compute=compute, timeout_ms=1500, max_ram=ram)["error"]
    assert error is not None
    assert error["error_type"] == kind


def test_memory_grows(bench: Workbench) -> None:
    source = "def main():\n  return len([bytearray(1 << 20) for _ in range(1500)])"
    envelope = bench.run(fresh(f"{source}\n"), max_ram=parse_ram("4GB"))
    assert envelope["result"] == 1500, envelope["error"]


def test_science(bench: Workbench) -> None:
    envelope = bench.run(fresh(SCIENCE))
    assert envelope["result"] == 308, envelope["error"]


def test_the_list_is_what_stands_here(bench: Workbench) -> None:
    """Where the trace was made, a call beside the list is refused to the program that runs."""
    from capsule.confine import linux, seccomp
    from capsule.confine.access import Access
    from capsule.progress import Silent
    from capsule.toolstore.open_toolchain import open_toolchain

    program = open_toolchain(bench.home, progress=Silent()).wasmtime
    loader = linux._loader(Access(program, read=()))
    if os.uname().machine == "x86_64" and loader is not None and "musl" not in loader.name:
        assert seccomp.is_traced(os.uname().machine, loader)
