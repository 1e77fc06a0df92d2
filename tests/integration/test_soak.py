"""Many runs through one sandbox, and the end of a host in the middle of a batch."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import anyio
import psutil
import pytest

from capsule import Envelope, Sandbox
from capsule.confine import private_dirs

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).parents[2]
RUNS = 2_000
JOB = """
import time
def main(n):
    if n % 20 == 1: raise ValueError(n)
    if n % 20 in (2, 3): time.sleep(1e9)
    return n * n
"""


@pytest.fixture
def project(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (project := tmp_path / "project").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return project


async def one(sandbox: Sandbox, number: int) -> tuple[int, Envelope | None]:
    """Run for one number; those that end in 3 are cancelled in the middle."""
    if number % 20 == 3:
        with anyio.move_on_after(0.05):
            await sandbox.run(number)
        return number, None
    return number, await sandbox.run(number)


def check(number: int, envelope: Envelope | None) -> None:
    kind = number % 20
    if kind == 3:
        assert envelope is None
        return
    assert envelope is not None
    error = None if envelope.error is None else envelope.error.error_type
    assert error == {1: "task_error", 2: "timeout"}.get(kind), envelope
    assert envelope.success is (error is None)
    assert envelope.result == (number * number if error is None else None)
    assert envelope.execution.task_name == "main"
    assert (envelope.execution.fuel_consumed is None) == (error == "timeout")


def leftovers() -> tuple[int, int, int]:
    """Children, descriptors and threads of this program."""
    return (
        len(psutil.Process().children(recursive=True)),
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
    )


def test_2000_runs_with_failures_timeouts_and_cancellations(project: Path, tmp_path: Path) -> None:
    (project / "job.py").write_text(JOB)
    sizes: list[int] = []

    async def main(runs: int) -> None:
        numbers = iter(range(runs))
        async with Sandbox("job.py", warm=2, limits={"timeout": "1s"}) as sandbox:

            async def work() -> None:
                for number in numbers:
                    check(*await one(sandbox, number))
                    if number % 100 == 99:
                        sizes.append(psutil.Process().memory_info().rss)

            async with anyio.create_task_group() as group:
                for _ in range(6):
                    group.start_soon(work)

    # What a program keeps open for good, such as the record, is there after its first runs.
    anyio.run(main, 60)
    before = leftovers()
    anyio.run(main, RUNS)
    assert len(sizes) == RUNS // 100
    # The first few hundred fill what is kept for reuse; after that it stays as it is.
    assert max(sizes[5:]) - sizes[5] < 16 << 20, sizes
    # Threads that are kept while the sandbox is open end with its block.
    assert leftovers() == before
    assert list((tmp_path / "temporary").iterdir()) == []


HOST = """
import asyncio
from capsule import Sandbox
async def main():
    async with Sandbox("job.py", warm=3, concurrency=4) as sandbox:
        print("ready", flush=True)
        async for envelope in sandbox.map(range(4, 10_000)):
            if envelope.index == 60:
                print("in the middle", flush=True)
asyncio.run(main())
"""


def test_kill_9_of_the_host_in_the_middle_of_a_batch(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three of four sleep without end, and processes that were started ahead wait.
    (project / "job.py").write_text(
        "import time\ndef main(n): time.sleep(1e9 if n in (10, 20, 30) else 0)"
    )
    host = subprocess.Popen(
        [sys.executable, "-c", HOST],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert host.stdout is not None
    try:
        assert [host.stdout.readline() for _ in range(2)] == ["ready\n", "in the middle\n"]
        # Three sleep for good; the fourth is there but for the moment between two items.
        deadline = time.monotonic() + 60
        sandboxes: list[psutil.Process] = []
        while len(sandboxes) < 4 and time.monotonic() < deadline:
            sandboxes = psutil.Process(host.pid).children(recursive=True)
        assert len(sandboxes) >= 4
        folders = list((tmp_path / "temporary").glob("capsule-*/*"))
        assert len(folders) >= 4
        begin = time.monotonic()
    finally:
        host.kill()
        host.communicate(timeout=20)
    psutil.wait_procs(sandboxes, timeout=20)
    assert [sandbox for sandbox in sandboxes if sandbox.is_running()] == []
    assert time.monotonic() - begin < 5
    assert any(folder.exists() for folder in folders)
    monkeypatch.setattr(private_dirs, "_YOUNG", 0.0)
    with private_dirs.private_folder():
        assert not any(folder.exists() for folder in folders)
    assert list((tmp_path / "temporary").iterdir()) == []
