"""Two nodes in network namespaces of their own, with a cable between them that can be pulled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.engines.clusters import REPOSITORY, ended, until

if TYPE_CHECKING:
    from pathlib import Path

# What a machine says that does not let this user make one.
_REFUSED = ("Operation not permitted", "Permission denied", "Read-only file system")
_ADDRESSES = ("10.77.0.1", "10.77.0.2")
_SLOTS = 2


class Node:
    """One namespace, with a home that has the toolchain and nothing else, and its processes."""

    def __init__(self, name: str, address: str, folder: Path, toolchain_home: Path) -> None:
        self.name, self.address, self.folder = name, address, folder
        self.home = folder / "home"
        self.home.mkdir(parents=True, mode=0o700)
        (self.home / "toolchain").symlink_to(toolchain_home / "toolchain")
        self.environ = {
            **os.environ,
            "CAPSULE_HOME": str(self.home),
            "PYTHONPATH": str(REPOSITORY),
            # After which somebody who says nothing is given up: minutes and half minutes else.
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s",
        }
        self.log = (folder / "log").open("ab")
        self.begun: list[subprocess.Popen[bytes]] = []

    def begin(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start Python in this namespace."""
        command = ("ip", "netns", "exec", self.name, sys.executable, *words)
        said: dict[str, Any] = {"env": self.environ, "cwd": self.folder}
        said |= {"stdout": self.log, "stderr": self.log, **options}
        started: subprocess.Popen[bytes] = subprocess.Popen(command, **said)
        self.begun.append(started)
        return started

    def add_worker(self, scheduler: str) -> None:
        words = ("-m", "distributed.cli.dask_worker", scheduler, "--host", self.address)
        sizes = ("--nworkers", "1", "--nthreads", str(_SLOTS), "--no-dashboard")
        self.begin(*words, *sizes, "--local-directory", str(self.folder))

    def pids(self) -> list[int]:
        found = _ip("netns", "pids", self.name)
        return [int(pid) for pid in found.split()]

    def kill(self) -> None:
        """End all that was started here, at once, and what belongs to it."""
        for process in self.begun:
            with suppress(psutil.NoSuchProcess):
                top = psutil.Process(process.pid)
                for each in [*top.children(recursive=True), top]:
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
            process.wait()

    def artifacts(self) -> list[Path]:
        return list((self.home / "cache" / "artifacts").glob("*/task.wasm"))

    def close(self) -> None:
        for process in reversed(self.begun):
            if process.poll() is None:
                ended(process)
        until(lambda: not self.pids(), "end of the node's processes", 20)
        self.log.close()


class NetworkNodes:
    """A scheduler and a worker on the first node, a worker on the second."""

    def __init__(self, folder: Path, toolchain_home: Path) -> None:
        names = [f"capsule-{os.getpid()}-{n}" for n in (1, 2)]
        self._made: list[str] = []
        if shutil.which("ip") is None:
            pytest.skip("network namespaces need `ip` (iproute2), which is not installed here")
        for name in names:
            refused = _refused("netns", "add", name)
            if refused:
                pytest.skip(f"this machine lets nobody make network namespaces: {refused}")
            self._made.append(name)
        try:
            self._connect(names)
            self.first, self.second = (
                Node(name, address, folder / name, toolchain_home)
                for name, address in zip(names, _ADDRESSES, strict=True)
            )
            self.scheduler = self._begin_dask(folder / "scheduler.json")
        except BaseException:
            self._delete()
            raise

    def _connect(self, names: list[str]) -> None:
        ends = ("near", "far")
        _ip("link", "add", ends[0], "netns", names[0], "type", "veth",
            "peer", "name", ends[1], "netns", names[1])  # fmt: skip
        for name, end, address in zip(names, ends, _ADDRESSES, strict=True):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            _ip("-n", name, "link", "set", end, "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def _begin_dask(self, file: Path) -> str:
        common = ("--no-dashboard", "--host", self.first.address, "--port", "0")
        self.first.begin(
            "-m", "distributed.cli.dask_scheduler", *common, "--scheduler-file", str(file)
        )

        def address() -> str:
            with suppress(OSError, ValueError):
                return str(json.loads(file.read_text())["address"])
            return ""

        found: str = until(address, "scheduler")
        for node in (self.first, self.second):
            node.add_worker(found)
        return found

    def pull_the_cable(self) -> None:
        """Have nothing pass between the nodes any more, and no end of a connection either."""
        _ip("-n", self.second.name, "link", "set", "far", "down")

    def close(self) -> None:
        try:
            for node in (self.second, self.first):
                node.close()
        finally:
            self._delete()

    def _delete(self) -> None:
        for name in self._made:
            _ip("netns", "del", name)


def _ip(*words: str) -> str:
    done = subprocess.run(("ip", *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


def _refused(*words: str) -> str:
    """Return why this user may not do something, empty where it is done."""
    done = subprocess.run(("ip", *words), capture_output=True, text=True, check=False)
    if done.returncode and any(said in done.stderr for said in _REFUSED):
        return done.stderr.strip()
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return ""
