"""Real clusters for tests: a Dask scheduler and workers as processes of their own, a local Ray."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from capsule import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from capsule.sdk.engine import Engine

REPOSITORY = Path(__file__).parents[2]
_SECONDS = 60
SLOTS = 4


class Backend(Protocol):
    """What the suite needs of an engine's tests."""

    name: str

    def engine(self, **options: Any) -> Engine | None:
        """Return the engine, for the cluster that runs; None for the map without one."""
        ...

    def kill_a_worker(self) -> bool:
        """Kill one process that does chunks, and say whether there was one."""
        ...

    def sandboxes(self) -> list[int]:
        """Return the processes of wasmtime that its workers have started, but those that wait."""
        ...


def until(found: Callable[[], Any], what: str, seconds: float = _SECONDS) -> Any:
    """Return what is found, once it is."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"no {what} after {seconds} s"
        time.sleep(0.02)
    return value


def below(pids: list[int]) -> Iterator[psutil.Process]:
    """Yield all processes below some."""
    for pid in pids:
        try:
            yield from psutil.Process(pid).children(recursive=True)
        except psutil.NoSuchProcess:
            continue


def wasmtimes(pids: list[int]) -> list[int]:
    """Return the processes of wasmtime below some."""
    found = []
    for process in below(pids):
        try:
            if "wasmtime" in process.name():
                found.append(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def ended(process: subprocess.Popen[bytes]) -> None:
    """End one of Dask's commands: a busy one does not always heed the first signal."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def killing_workers(
    cluster: Backend, items: Iterable[Any], at: Collection[int], *, retry_lost: bool, spread: bool
) -> tuple[list[Any], int]:
    """Run `calls.py` with items over a cluster, and kill a worker after so many results.

    Return the results, and how many workers were killed.
    """
    killed = 0

    async def main() -> list[Any]:
        nonlocal killed
        found = []
        async with Sandbox("calls.py", warm=0) as sandbox:
            engine = cluster.engine(retry_lost=retry_lost)
            async for envelope in sandbox.map(items, engine=engine, spread=spread):
                found.append(envelope)
                if len(found) in at:
                    killed += await asyncio.to_thread(until, cluster.kill_a_worker, "worker")
        return found

    return asyncio.run(main()), killed


class DaskProcesses:
    """A scheduler and a worker command with two processes, each with two threads."""

    name = "dask"

    def __init__(self, folder: Path, home: Path, *, workers: int = 2, threads: int = 2) -> None:
        self._file = folder / "scheduler.json"
        self._environ = {**os.environ, "CAPSULE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
        self._folder = folder
        self._log = (folder / "dask.log").open("ab")
        common = ("--scheduler-file", str(self._file), "--no-dashboard", "--host", "127.0.0.1")
        self.scheduler = self._begin("scheduler", *common, "--port", "0")
        until(lambda: self.address, "scheduler")
        sizes = ("--nworkers", str(workers), "--nthreads", str(threads))
        self._common = (*common, "--local-directory", str(folder))
        self.worker = self._begin("worker", *self._common, *sizes)
        until(lambda: len(self.worker_processes()) == workers, "worker")

    @property
    def address(self) -> str:
        """Where the scheduler listens; empty while that is not written whole."""
        try:
            return str(json.loads(self._file.read_text())["address"])
        except (OSError, ValueError):
            return ""

    def _begin(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        words = (sys.executable, "-m", f"distributed.cli.dask_{what}", *options)
        return subprocess.Popen(
            words, env=self._environ, cwd=self._folder, stdout=self._log, stderr=self._log
        )

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        return self._begin("worker", *self._common, *options)

    def engine(self, **options: Any) -> Engine:
        from capsule.engines import Dask

        return Dask(self.address, **options)

    def worker_processes(self) -> list[psutil.Process]:
        found = []
        for process in below([self.worker.pid]):
            try:
                words = " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            if "spawn_main" in words and "resource_tracker" not in words:
                found.append(process)
        return found

    def kill_a_worker(self) -> bool:
        for process in self.worker_processes():
            # One that is at work, and not one that is just beginning.
            if wasmtimes([process.pid]):
                process.kill()
                return True
        return False

    def sandboxes(self) -> list[int]:
        return wasmtimes([self.worker.pid])

    def close(self) -> None:
        for process in (self.worker, self.scheduler):
            ended(process)
        self._log.close()


class LocalRay:
    """A cluster of one node that this process starts."""

    name = "ray"

    def __init__(self, home: Path) -> None:
        import ray

        os.environ["CAPSULE_HOME"] = str(home)
        os.environ["PYTHONPATH"] = str(REPOSITORY)
        ray.init(
            address="local",
            num_cpus=SLOTS,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            object_store_memory=200 << 20,
        )

    def engine(self, **options: Any) -> Engine:
        from capsule.engines import Ray

        return Ray(**options)

    def _workers(self) -> list[psutil.Process]:
        found = []
        for process in below([os.getpid()]):
            try:
                if process.name().startswith("ray::") or "ray::" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def idle_workers(self) -> list[psutil.Process]:
        """Return the processes that wait for a chunk."""
        return [each for each in self._workers() if each.cmdline()[:1] == ["ray::IDLE"]]

    def kill_a_worker(self) -> bool:
        for process in self._workers():
            if wasmtimes([process.pid]):
                process.kill()
                return True
        return False

    def sandboxes(self) -> list[int]:
        return wasmtimes([process.pid for process in self._workers()])

    def close(self) -> None:
        import ray

        ray.shutdown()


class ThisMachine:
    """No engine, or the one that is this machine."""

    def __init__(self, name: str) -> None:
        self.name = name

    def engine(self, **options: Any) -> Engine | None:
        from capsule.engines import Local

        return Local(concurrency=SLOTS) if self.name == "local" else None

    def kill_a_worker(self) -> bool:
        raise NotImplementedError

    def sandboxes(self) -> list[int]:
        return wasmtimes([os.getpid()])

    def close(self) -> None:
        return


def wasmtimes_here() -> list[int]:
    """Return the processes of wasmtime below this one."""
    return wasmtimes([os.getpid()])
