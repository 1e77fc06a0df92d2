"""Calls from a program: to processes that wait, and many one after another on all processors."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from capsule import Sandbox
from capsule.process.trap_report import TRAPPED
from capsule.processors import usable_processors as cores
from scripts.bench.commands import HELLO
from scripts.bench.peer import Peer
from scripts.bench.processes import bare_of, order
from scripts.bench.timing import Row, told_by_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capsule.process.cancel import Cancellation

_CALLS = 200
# Short turns, many of them: what else the machine does then hits both alike.
_ITEMS = 50
_ROUNDS = 25
# How long a process may take until it waits.
_SECONDS = 20.0


def warm(peer: Path | None) -> list[Row]:
    """Measure one call to a process that waits, against the peer's call to its worker."""
    what = "Sandbox.run, a process waits for it"
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "hello.py")
        task.write_text(HELLO)
        if peer is None:
            return [Row(what, asyncio.run(_warm(task, None))["ours"])]
        (theirs := Path(folder, "theirs")).mkdir()
        of_peer = Peer(peer, theirs)
        with of_peer.calls(of_peer.build(HELLO)) as calls:
            # The first starts its worker.
            calls.once()
            taken = asyncio.run(_warm(task, calls.once))
        return [Row(what, taken["ours"], taken["peer"], "peer's worker", 0.5)]


async def _warm(task: Path, peer: Callable[[], float] | None) -> Mapping[str, float]:
    async with Sandbox(task) as sandbox:

        async def ours() -> float:
            inner = sandbox._prepared  # noqa: SLF001 - programs have no need to know who waits
            pool = None if inner is None else inner.pool
            if pool is None or not pool.wait_until_ready(_SECONDS):
                raise SystemExit("no process came to wait")
            begin = time.perf_counter()
            envelope = await sandbox.run(2)
            taken = time.perf_counter() - begin
            envelope.unwrap()
            return taken

        async def theirs() -> float:
            return 0.0 if peer is None else peer()

        await ours()
        return await told_by_turns(_CALLS, {"ours": ours, "peer": theirs})


def sustained(home: Path, cancellation: Cancellation) -> list[Row]:
    """Measure how many new processes end in a second on all processors, against bare ones."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "hello.py")
        task.write_text(HELLO)
        taken = asyncio.run(_sustained(task, _bare_many(Path(folder), home, cancellation)))
    return [
        Row(
            f"map, {_ITEMS} items, warm=0, all processors",
            _ITEMS / taken["ours"],
            _ITEMS / taken["bare"],
            "bare wasmtime",
            least=0.85,
            rate=True,
        )
    ]


async def _sustained(task: Path, bare_many: Callable[[], float]) -> Mapping[str, float]:
    async with Sandbox(task, warm=0) as sandbox:

        async def ours() -> float:
            begin = time.perf_counter()
            done = [envelope async for envelope in sandbox.map([1] * _ITEMS, concurrency=cores())]
            taken = time.perf_counter() - begin
            if [envelope.result for envelope in done] != ["hello "] * _ITEMS:
                raise SystemExit("a run failed")
            return taken

        async def bare() -> float:
            return bare_many()

        return await told_by_turns(_ROUNDS, {"ours": ours, "bare": bare})


def _bare_many(folder: Path, home: Path, cancellation: Cancellation) -> Callable[[], float]:
    """Return a run of the same driver for each item by `wasmtime` alone; it says how long it took.

    Nothing of the host's is in between: a file is its stdin, another one its stdout, and a thread
    for each processor does no more than start it and wait for its end.
    """
    argv, request = bare_of(order(home, HELLO), cancellation)
    asked, said = folder / "request", folder / "said"
    asked.write_bytes(request)

    def once(_: int) -> None:
        pid = os.posix_spawn(
            argv[0],
            argv,
            {},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, str(asked), os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        # Each run ends in the trap of its fuel meter.
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != TRAPPED:
            raise SystemExit("bare wasmtime failed")

    def many() -> float:
        with ThreadPoolExecutor(cores()) as threads:
            begin = time.perf_counter()
            list(threads.map(once, range(_ITEMS)))
            return time.perf_counter() - begin

    return many
