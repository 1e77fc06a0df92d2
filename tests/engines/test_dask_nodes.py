"""A Dask cluster of two nodes, each in a network namespace with a home of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.engines.clusters import until
from tests.engines.network_nodes import NetworkNodes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engines.network_nodes import Node

COUNT = 200
WORK = "def main(n):\n    for _ in range(300_000): pass\n    return [n, n * n]\n"
# Runs on the first node: what the program sees is what it prints, a line for each envelope, and how
# often it sent the artifact.
PROGRAM = """
import json
from capsule import SandboxSync
from capsule.engines import Dask
from capsule.engines.dask_cluster import DaskCluster

sent, send = [], DaskCluster._send_artifact
def counted(self, node, address):
    sent.append(address)
    send(self, node, address)
DaskCluster._send_artifact = counted
with SandboxSync("work.py", warm=0) as sandbox:
    for each in sandbox.map(range({count}), engine=Dask({scheduler!r})):
        print(json.dumps([each.index, each.result, each.error and each.error.message]), flush=True)
print(json.dumps(sent))
"""


@pytest.fixture
def nodes(tmp_path: Path, toolchain_home: Path) -> Iterator[NetworkNodes]:
    made = NetworkNodes(tmp_path, toolchain_home)
    yield made
    made.close()


class Driver:
    """The program that does the batch, as a process of the first node with another home."""

    def __init__(self, nodes: NetworkNodes, folder: Path, home: Path) -> None:
        (folder / "work.py").write_text(WORK)
        self._out, self._said = folder / "out.jsonl", folder / "said"
        node = nodes.first
        text = PROGRAM.format(count=COUNT, scheduler=nodes.scheduler)
        environ = {**node.environ, "CAPSULE_HOME": str(home)}
        with self._out.open("wb") as out, self._said.open("wb") as said:
            self._process = node.begin("-c", text, cwd=folder, env=environ, stdout=out, stderr=said)

    @property
    def count(self) -> int:
        """How many results are there, while there will be more."""
        assert self._process.poll() is None, self._said.read_text()
        return self._out.read_bytes().count(b"\n")

    def lines(self) -> tuple[list[list[Any]], list[str]]:
        """Wait for the end; return what came of each item, and where the artifact was sent."""
        assert self._process.wait(60) == 0, self._said.read_text()
        *rows, sent = map(json.loads, self._out.read_text().splitlines())
        return rows, sent


def sandboxes(node: Node) -> list[int]:
    """The processes of wasmtime on a node."""
    return [pid for pid in node.pids() if "wasmtime" in name_of(pid)]


def name_of(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return ""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["killed", "cut off"])
def test_a_lost_node_costs_another_attempt_and_no_result(
    nodes: NetworkNodes, tmp_path: Path, toolchain_home: Path, how: str
) -> None:
    """Both nodes have one name, that of this machine, and are sent the artifact once each."""
    driver = Driver(nodes, tmp_path, toolchain_home)
    first, second = nodes.first, nodes.second
    until(lambda: driver.count > COUNT // 5 and sandboxes(second), "work on the second node")
    if how == "killed":
        second.kill()
        # Sandboxes end with the process that started them.
        until(lambda: not second.pids(), "end of the node's sandboxes", 10)
    else:
        nodes.pull_the_cable()
    assert driver.count < COUNT
    rows, sent = driver.lines()
    assert sorted(rows) == [[n, [n, n * n], None] for n in range(COUNT)]
    hosts = [address.split("/")[2].rpartition(":")[0] for address in sent]
    assert sorted(hosts) == [first.address, second.address]
    contents = {path.read_bytes() for node in (first, second) for path in node.artifacts()}
    assert [len(node.artifacts()) for node in (first, second)] == [1, 1]
    assert len(contents) == 1
