"""What becomes of a batch when the head of a Ray cluster goes; `conftest` needs Ray."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.engines.clusters import until
from tests.integration.command import REPOSITORY, Command

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 4_000


class RayHead:
    """A head with two slots, as processes of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        # A path of a socket has 107 bytes at most, of which Ray takes most.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self.environ = {
            **os.environ,
            "CAPSULE_HOME": str(home),
            "PYTHONPATH": str(REPOSITORY),
            "RAY_AUTH_MODE": "disabled",
        }
        words = (
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *("--port", "0", "--num-cpus", "2", "--include-dashboard", "false"),
            *("--object-store-memory", str(100 << 20), "--temp-dir", str(self._folder)),
        )
        with (folder / "head.log").open("wb") as log:
            self._process = subprocess.Popen(
                words, env=self.environ, cwd=folder, stdout=log, stderr=log
            )
        self.address: str = until(self._written, "head")

    def _written(self) -> str:
        with suppress(FileNotFoundError):
            return (self._folder / "ray_current_cluster").read_text().strip()
        return ""

    def kill(self) -> None:
        """End all of it at once."""
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self._process.pid)
            for each in [*top.children(recursive=True), top]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture
def head(tmp_path: Path, toolchain_home: Path) -> Iterator[RayHead]:
    made = RayHead(tmp_path, toolchain_home)
    yield made
    made.close()


def begin(head: RayHead, folder: Path, home: Path, count: int) -> subprocess.Popen[bytes]:
    """Begin a batch, and return its process once there are some results in `first.jsonl`."""
    capsule = Command(folder, home)
    capsule.write("same.py", "def main(n):\n    for _ in range(300_000): pass\n    return n\n")
    capsule.write("items.jsonl", "".join(f"{n}\n" for n in range(count)))
    words = (sys.executable, "-m", "capsule", "run", "same.py", "--map", "items.jsonl", "--result")
    with Path("first.jsonl").open("wb") as out, Path("said").open("wb") as said:
        running = subprocess.Popen(
            (*words, "--engine", f"ray={head.address}"),
            env=head.environ, cwd=folder, stdout=out, stderr=said,
        )  # fmt: skip
    until(lambda: Path("first.jsonl").read_bytes().count(b"\n") > 20, "result")
    return running


@pytest.mark.timeout(240)
def test_a_program_that_was_stopped_finds_its_cluster_again(
    head: RayHead, tmp_path: Path, toolchain_home: Path
) -> None:
    """As that of a machine which slept: for longer than a head may be silent."""
    count = 400
    running = begin(head, tmp_path, toolchain_home, count)
    running.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    until(lambda: time.monotonic() > stopped + 20, "end of its sleep")
    running.send_signal(signal.SIGCONT)
    assert running.wait(120) == 0, Path("said").read_text()
    done = [json.loads(line) for line in Path("first.jsonl").read_text().splitlines()]
    assert sorted(row["index"] for row in done) == list(range(count))
    assert all(row["index"] == row["result"] for row in done)


@pytest.mark.timeout(240)
def test_a_lost_head_is_told_of_and_the_batch_goes_on_elsewhere(
    head: RayHead, tmp_path: Path, toolchain_home: Path
) -> None:
    """Ray itself would end the program after a minute, with words of its own."""
    running = begin(head, tmp_path, toolchain_home, COUNT)
    head.kill()
    assert running.wait(50) == 2, Path("said").read_text()
    told = Path("said").read_text()
    done = [json.loads(line) for line in Path("first.jsonl").read_text().splitlines()]
    assert f"the Ray cluster is lost: its head at {head.address} has not answered" in told
    assert f"of the batch, {len(done):,} items are done" in told
    assert "go on with what is left: --resume OUTPUT" in told
    assert "Traceback" not in told, told
    assert 20 < len(done) < COUNT
    indexes = [row["index"] for row in done]
    assert len(set(indexes)) == len(indexes)
    capsule = Command(tmp_path, toolchain_home)
    # What is left of the first 200, so that it takes no minute.
    first = [row for row in done if row["index"] < 200]
    capsule.write("items.jsonl", "".join(f"{n}\n" for n in range(200)))
    capsule.write("some.jsonl", "".join(f"{json.dumps(row)}\n" for row in first))
    rest = capsule("run", "same.py", "--map", "items.jsonl", "--result", "--resume", "some.jsonl")
    rows = first + [json.loads(line) for line in rest.out.splitlines()]
    assert sorted(row["index"] for row in rows) == list(range(200))
    assert all(row["index"] == row["result"] for row in (*rows, *done))
