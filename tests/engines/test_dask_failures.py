"""What becomes of a batch when parts of a Dask cluster go, or are not there; `conftest` needs Dask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from capsule import SandboxSync
from capsule.errors import EngineError
from tests.engines.clusters import DaskProcesses, ended, until
from tests.engines.conftest import CALLS
from tests.integration.command import REPOSITORY, Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.origin import Origin


@pytest.fixture
def own_dask(tmp_path: Path, toolchain_home: Path) -> Iterator[DaskProcesses]:
    """A cluster for a test that ends parts of it."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = DaskProcesses(folder, toolchain_home, workers=1)
    yield made
    made.close()


def test_a_lost_scheduler_is_told_of_and_the_batch_goes_on_elsewhere(
    own_dask: DaskProcesses, tmp_path: Path, toolchain_home: Path
) -> None:
    capsule = Command(tmp_path, toolchain_home)
    capsule.write("same.py", "def main(n):\n    for _ in range(300_000): pass\n    return n\n")
    capsule.write("items.jsonl", "".join(f"{n}\n" for n in range(400)))
    words = (sys.executable, "-m", "capsule", "run", "same.py", "--map", "items.jsonl", "--result")
    with Path("first.jsonl").open("wb") as out:
        running = subprocess.Popen(
            (*words, "--engine", f"dask={own_dask.address}"),
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: Path("first.jsonl").read_bytes().count(b"\n") > 20, "result")
        own_dask.scheduler.kill()
        _, said = running.communicate(timeout=60)
    done = [json.loads(line) for line in Path("first.jsonl").read_text().splitlines()]
    assert running.returncode == 2
    assert f"the Dask scheduler {own_dask.address} is lost" in said
    assert f"of the batch, {len(done)} items are done" in said
    assert "go on with what is left: --resume OUTPUT" in said
    assert "Traceback" not in said, said
    assert 20 < len(done) < 400
    rest = capsule("run", "same.py", "--map", "items.jsonl", "--result", "--resume", "first.jsonl")
    rows = done + [json.loads(line) for line in rest.out.splitlines()]
    assert sorted(row["index"] for row in rows) == list(range(400))
    assert all(row["index"] == row["result"] for row in rows)


def test_the_command_goes_over_a_cluster(
    own_dask: DaskProcesses, tmp_path: Path, toolchain_home: Path
) -> None:
    capsule = Command(tmp_path, toolchain_home)
    capsule.write("half.py", "def main(n): return 10 / n")
    capsule.write("items.jsonl", "1\n\n2\n0\nno json\n5\n")
    over = ("--engine", f"dask={own_dask.address}")
    done = capsule("run", "half.py", "--map", "items.jsonl", "--result", *over)
    rows = sorted(
        (json.loads(line) for line in done.out.splitlines()), key=lambda row: row["index"]
    )
    assert rows == [
        {"index": 0, "result": 10.0},
        {"index": 2, "result": 5.0},
        {"index": 5, "result": 2.0},
    ]
    assert done.code == 1
    assert "item 3: task_error: ZeroDivisionError" in done.err
    assert "item 4: usage_error: the line is not JSON" in done.err
    assert capsule("build", "--export", "half.py").code == 0
    for option in ((), ("--concurrency", "1")):
        again = capsule("exec", "half.wasm", "--map", "items.jsonl", "--result", *over, *option)
        assert sorted(again.out.splitlines()) == sorted(done.out.splitlines())


def test_nothing_goes_on_for_a_driver_that_was_killed(
    own_dask: DaskProcesses, origin: Origin
) -> None:
    text = CALLS.format(port=origin.server_port).replace('"30s"', '"10m"')
    Path("endless.py").write_text(text.replace("    return n", "    import time; time.sleep(1e6)"))
    program = (
        "from capsule import SandboxSync\nfrom capsule.engines import Dask\n"
        "with SandboxSync('endless.py', warm=0) as sandbox:\n"
        f"    list(sandbox.map(range(9), engine=Dask({own_dask.address!r})))\n"
    )
    driver = subprocess.Popen(
        (sys.executable, "-c", program), env={**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )
    try:
        until(lambda: len(origin.seen) == 2, "two runs")
        # Those two, and those that wait for the next runs.
        begun = set(own_dask.sandboxes())
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert len(begun) >= 2
    until(lambda: len(begun & set(own_dask.sandboxes())) <= len(begun) - 2, "end of both", 30)


def test_a_batch_waits_for_workers_only_so_long(own_dask: DaskProcesses) -> None:
    Path("same.py").write_text("def main(n): return n")
    ended(own_dask.worker)
    with SandboxSync("same.py", warm=0) as sandbox:
        with pytest.raises(EngineError, match=r"has had no worker for 0\.5 s"):
            list(sandbox.map(range(3), engine=own_dask.engine(wait=0.5)))
        with pytest.raises(EngineError, match=r"no worker with the resources \{'GPU': 1\}"):
            list(sandbox.map(range(3), engine=own_dask.engine(wait=0.5, resources={"GPU": 1})))
        later = own_dask.add_worker("--nworkers", "1", "--nthreads", "1", "--resources", "GPU=1")
        try:
            engine = own_dask.engine(resources={"GPU": 1})
            found = [envelope.result for envelope in sandbox.map(range(3), engine=engine)]
        finally:
            ended(later)
    assert sorted(found) == [0, 1, 2]


def test_nobody_answers() -> None:
    from capsule.engines import Dask

    Path("same.py").write_text("def main(n): return n")
    with SandboxSync("same.py", warm=0) as sandbox:
        for address in ("tcp://127.0.0.1:9", "nowhere"):
            with pytest.raises(EngineError, match=f"no Dask scheduler answers at {address}"):
                list(sandbox.map(range(3), engine=Dask(address)))


def test_the_artifact_travels_once_to_a_node(
    tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes of one node, with a home of its own, have it from one file."""
    from capsule.engines.dask_cluster import DaskCluster

    sent: list[str] = []
    send = DaskCluster._send_artifact

    def counted(self: DaskCluster, node: str, address: str) -> None:
        sent.append(node)
        send(self, node, address)

    monkeypatch.setattr(DaskCluster, "_send_artifact", counted)
    node_home, folder = tmp_path / "node", tmp_path / "cluster"
    folder.mkdir()
    node_home.mkdir(mode=0o700)
    (node_home / "toolchain").symlink_to(toolchain_home / "toolchain")
    cluster = DaskProcesses(folder, tmp_path / "not used")
    try:
        Path("same.py").write_text("def main(n): return n")
        with SandboxSync("same.py", warm=0) as sandbox:
            for _ in range(2):
                engine = cluster.engine(home=node_home)
                assert len(list(sandbox.map(range(40), engine=engine))) == 40
            waiting = cluster.sandboxes()
    finally:
        cluster.close()
    until(lambda: not any(psutil.pid_exists(pid) for pid in waiting), "end of what waits")
    assert len(sent) == 1
    kept = list((node_home / "cache" / "artifacts").glob("*/task.wasm"))
    assert len(kept) == 1
    assert kept[0].stat().st_mode & 0o077 == 0
    assert kept[0].parent.parent.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "not used").exists()


def test_a_node_without_a_toolchain_takes_it_from_a_file_or_refuses_by_its_name(
    everything: None, tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capsule = Command(tmp_path, toolchain_home)
    assert capsule("toolchain", "export", "parts.zip").code == 0
    Path("same.py").write_text("def main(n): return n")
    folder = tmp_path / "cluster"
    folder.mkdir()
    # An index that nobody answers at.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "")
    cluster = DaskProcesses(folder, tmp_path / "empty", workers=1)
    try:
        with SandboxSync("same.py", warm=0) as sandbox:
            with pytest.raises(EngineError, match=r"the node .* refuses the task: "):
                list(sandbox.map(range(3), engine=cluster.engine()))
            engine = cluster.engine(home=tmp_path / "other", toolchain=tmp_path / "parts.zip")
            found = sorted(each.unwrap() for each in sandbox.map(range(20), engine=engine))
    finally:
        cluster.close()
    assert found == list(range(20))
    assert list((tmp_path / "other" / "toolchain").glob("*/*"))
