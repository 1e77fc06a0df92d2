"""An attacker in the sandbox who wants to use up the machine: disks, inodes, processes.

Every flood is made behind all walls, behind the guard alone, behind those of the system alone, and
from an artifact. It ends inside, and outside nothing is left of it.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.policy.units import MAX_TASKS
from capsule.process.cancel import Cancellation
from capsule.runner import run_budget, task_places
from capsule.runner.observer import NOBODY
from capsule.runner.run import run
from tests.integration.workbench import (
    Counting,
    from_artifact,
    from_source,
    guard_alone,
    system_alone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capsule.envelope import Envelope
    from capsule.policy.resolve import Policy
    from capsule.runner.attempt import Attempt
    from capsule.runner.observer import Which
    from capsule.runner.run import Order
    from tests.integration.workbench import Workbench

    Way = Callable[[str, Path, Workbench], Order]

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, of which nothing and nobody is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []
    assert children() == set()


def children() -> set[int]:
    """The processes that this one has started and not reaped."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid():
            found.add(int(path.parent.name))
    return found


# `at` is a folder that may be written; each goes on for as long as it may.
FLOODS = {
    "one large file": "f = open(at + '/x', 'wb')\nwhile True: f.write(MIB)",
    "large files": "for n in count():\n  f = open(at + f'/{n}', 'wb')\n  for _ in range(100): f.write(MIB)",
    "large files, deleted": "for n in count():\n  f = open(at + '/x', 'wb'); os.unlink(at + '/x'); kept.append(f)\n  for _ in range(100): f.write(MIB)",
    "a file with a hole": "os.truncate(open(at + '/x', 'wb').name, 1 << 40)",
    "files with holes": "for n in count(): os.truncate(open(at + f'/{n}', 'wb').name, 100 << 20)",
    "a file that is written far out": "os.pwrite(os.open(at + '/x', os.O_CREAT | os.O_RDWR), b'x', 1 << 40)",
    "empty files": "for n in count(): open(at + f'/{n}', 'wb').close()",
    "files with long names": "for n in count(): open(at + f'/{n:0>240}', 'wb').close()",
    "folders": "for n in count(): os.mkdir(at + f'/{n}')",
    "folders with files": "for n in count(): os.makedirs(at + f'/{n % 9}/{n}'); open(at + f'/{n % 9}/{n}/x', 'wb').close()",
    "links": "for n in count(): os.symlink('x' * 1000, at + f'/{n}')",
    "hard links": "open(at + '/x', 'wb').close()\nfor n in count(): os.link(at + '/x', at + f'/{n}')",
    "deep folders": "here = os.open(at, 0)\nwhile True: os.mkdir('a', dir_fd=here); inner = os.open('a', 0, dir_fd=here); os.close(here); here = inner",
    "deep folders with long names": "here = os.open(at, 0)\nwhile True: os.mkdir('a' * 250, dir_fd=here); inner = os.open('a' * 250, 0, dir_fd=here); os.close(here); here = inner",
    "a deep folder that is moved": "os.makedirs(at + '/1' + '/a' * 50)\nfor n in count(2): os.rename(at + f'/{n - 1}', at + '/b'); os.makedirs(at + f'/{n}' + '/a' * 50); os.rename(at + '/b', at + f'/{n}' + '/a' * 50 + '/b')",
    "files that are open": "for n in count(): kept.append(open(at + f'/{n}', 'wb'))",
}
SOURCE = """
import os
from itertools import count
from capsule import task
MIB, kept = bytes(1 << 20), []
def flood(at):
{code}
@task(timeout="60s", compute="10000000000000")
def main():
    flood({at!r})
    return "done"
"""


def flood(name: str, at: str = "/tmp") -> str:
    code = "\n".join(f"    {line}" for line in FLOODS[name].splitlines())
    return SOURCE.format(code=code, at=at)


@pytest.mark.parametrize("way", [from_source, guard_alone, system_alone, from_artifact])
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_the_temporary_folder(
    bench: Workbench, tmp_path: Path, temporary: Path, name: str, way: Way
) -> None:
    order = way(flood(name), tmp_path, bench)
    before = sorted(tmp_path.rglob("*"))
    envelope = bench.run_order(order)
    error = envelope["error"]
    assert error is not None, envelope
    if error["error_type"] == "task_error":
        # The guard's bounds, and the system's: on a file's size, on open files, on links.
        assert "Error: [Errno" in error["message"], error
    else:
        assert error["error_type"] == "policy_error", error
        assert error["message"].startswith("the task filled its disk: / and /tmp "), error
    assert envelope["execution"]["duration_ms"] < 50_000
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["large files", "empty files", "deep folders", "links"])
@pytest.mark.parametrize("at", ["/usr/local/lib", "/data"])
@pytest.mark.parametrize("way", [from_source, guard_alone, system_alone])
def test_a_flood_of_what_is_only_read(
    bench: Workbench, tmp_path: Path, name: str, at: str, way: Way
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content")
    source = flood(name, at).replace(
        "@task(", '@task(allowed_files=[{"path": "./data", "mode": "ro"}], '
    )
    order = way(source, tmp_path, bench)
    before = sorted(tmp_path.rglob("*"))
    envelope = bench.run_order(order)
    error = envelope["error"]
    assert error is not None, envelope
    assert error["error_type"] == "task_error", error
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "data" / "file").read_text() == "content"


def test_a_flood_by_sub_tasks(bench: Workbench, temporary: Path) -> None:
    source = flood("large files").replace("@task(", '@task(name="one", ').replace("main()", "one()")
    source += """
@task(timeout="60s")
def main():
    return [one().error["error_type"] for _ in range(4)]
"""
    sizes = []
    over = threading.Event()

    def measure() -> None:
        while not over.wait(0.02):
            sizes.append(sum(size_of(path) for path in temporary.rglob("*")))

    watching = threading.Thread(target=measure)
    watching.start()
    try:
        with Cancellation() as never:
            envelope = run(bench.order(source), NOBODY, never)
    finally:
        over.set()
        watching.join()
    assert envelope["result"] == ["task_error"] * 4, envelope["error"]
    # What one had is gone before the next begins.
    assert max(sizes) < 1 << 30


def size_of(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


MOST = 40
# `call` is the wire's own call, with whatever fields.
BOMB = """
import asyncio, json
from capsule import task
from capsule_guest import calls
from capsule_guest.channel import send
from capsule.shared.frames import CALL, pack_call
def call(**fields):
    said = calls.call("task", {{"args": [], "kwargs": {{}}, **fields}})[0]["envelope"]
    return said["error"]["error_type"] if said["error"] else said["result"]
def throw(number, **fields):
    asked = {{"call": number, "op": "task", "args": [], "kwargs": {{}}, **fields}}
    send(CALL, pack_call(json.dumps(asked).encode(), b""))
async def many(*started):
    said = await asyncio.gather(*started)
    return [answer.error["error_type"] if answer.error else answer.result for answer in said]
@task(timeout="60s")
def other(n=0):
    return [main(n + 1).result, main(n + 1).result]
@task(timeout="60s")
async def leaf(n=0):
    return n
@task(name="main", timeout="{timeout}", max_retries={retries})
{code}
"""
BOMBS = {
    "a task that calls itself twice": "def main(n=0): return [main(n + 1).result, main(n + 1).result]",
    "a task that calls itself many times at once": "async def main(n=0): return len(await many(*(main(n + 1) for _ in range(50))))",
    "two tasks that call each other": "def main(n=0): return [other(n + 1).result, other(n + 1).result]",
    "thousands at once": "async def main(): return len(await many(*(leaf(n) for n in range(2500))))",
    "calls with another depth": "def main(n=0): return call(name='main', args=[n + 1], depth=-100, level=0, parent=None)",
    "calls with other limits": "def main(): return [call(name='leaf', limits={'run_tasks': 10**9}, run_tasks=10**9, tasks=-10**9, jobs={}) for _ in range(100)]",
    "calls with another policy": "def main(): return [call(name='leaf', policy={'max_retries': 10**9, 'timeout_ms': None}, max_retries=10**9) for _ in range(100)]",
    "names that are none": "def main(): return [call(name=name) for name in ('', '..', 'main\\0', 'MAIN', ' main', '__main__', 'os', '*', None, 1, True, 1e9, [], {}, ['main'], {'name': 'main'}, '\\ud800', 'x' * 10**6) * 20]",
    "calls that nobody waits for": "def main(): return [throw(n, name='leaf') for n in range(1 << 40, (1 << 40) + 5000)] and 'left'",
    "calls of one number": "def main(): return [throw(1 << 40, name='leaf') for _ in range(5000)] and 'left'",
    "tasks that nobody awaits": "async def main(n=0): return [asyncio.ensure_future(main(n + 1)) for _ in range(20)] and await asyncio.sleep(0.2)",
    "a task that fails after each call": "def main(n=0): return (main(n + 1), main(n + 1), 1 / 0)",
}


def bomb(code: str, timeout: str = "60s", retries: int = 0) -> str:
    return BOMB.format(code=code, timeout=timeout, retries=retries)


def bounded(order: Order, most: int = MOST) -> tuple[Counting, Envelope]:
    """Run it, and look at what all bombs have in common."""
    observer, begin = Counting(), time.monotonic()
    with Cancellation() as never:
        envelope = run(order, observer, never)
    assert time.monotonic() - begin < 90
    assert observer.running == 0
    assert len(observer.ran) <= most + 1
    own = task_places.processors()
    most = 1 + run_budget.MAX_DEPTH * own + max(task_places.WAITING - own, 0)
    assert observer.most <= most
    assert not [one.name for one in threading.enumerate() if one.name.startswith("capsule-")]
    return observer, envelope


@pytest.mark.parametrize("way", [from_source, from_artifact])
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_sub_tasks(bench: Workbench, tmp_path: Path, name: str, way: Way) -> None:
    (tmp_path / "capsule.toml").write_text(f"[limits]\nrun_tasks = {MOST}\n")
    _, envelope = bounded(way(bomb(BOMBS[name]), tmp_path, bench))
    # The sandbox that throws it is told no, or ends by itself; no bound of the host's is broken.
    error = envelope["error"]
    assert error is None or error["error_type"] == "task_error", error


def test_made_up_calls_change_no_bound(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text(f"[limits]\nrun_tasks = {MOST}\n")
    source = bomb(BOMBS["calls with another depth"])
    deep, envelope = bounded(from_source(source, tmp_path, bench))
    assert deep.ran == ["main"]
    assert "no 'depth', 'level', 'parent'" in str(envelope["error"])
    for name in ("calls with other limits", "calls with another policy"):
        refused, envelope = bounded(from_source(bomb(BOMBS[name]), tmp_path, bench))
        assert refused.ran == ["main"], envelope
        assert "CallError" in str(envelope["error"])
    wide, envelope = bounded(from_source(bomb(BOMBS["thousands at once"]), tmp_path, bench))
    assert wide.ran.count("leaf") == MOST, envelope
    none, envelope = bounded(from_source(bomb(BOMBS["names that are none"]), tmp_path, bench))
    assert none.ran == ["main"]
    assert set(envelope["result"]) == {"policy_error"}, envelope


def test_retries_of_a_bomb_do_not_multiply(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "capsule.toml").write_text(f"[limits]\nrun_tasks = {MOST}\n")
    source = bomb(BOMBS["a task that fails after each call"], retries=2)
    # A task counts once, its attempts do not: each of them may be tried three times.
    bounded(from_source(source, tmp_path, bench), 3 * (MOST + 1))


@pytest.mark.parametrize(
    "name", ["a task that calls itself many times at once", "thousands at once"]
)
def test_a_bomb_ends_with_its_timeout(bench: Workbench, tmp_path: Path, name: str) -> None:
    begin = time.monotonic()
    _, envelope = bounded(from_source(bomb(BOMBS[name], "1s"), tmp_path, bench), MAX_TASKS)
    assert "'error_type': 'timeout'" in str(envelope)
    assert time.monotonic() - begin < 20


def test_a_bomb_can_be_cancelled(bench: Workbench, tmp_path: Path) -> None:
    source = bomb(BOMBS["a task that calls itself many times at once"])
    order = from_source(source, tmp_path, bench)

    class CancellableProgress(Counting):
        def ended(self, which: Which, policy: Policy, done: Attempt) -> None:
            super().ended(which, policy, done)
            # In the middle of it, from one of its own threads.
            cancellation.cancel()

    observer, begin = CancellableProgress(), time.monotonic()
    with Cancellation() as cancellation:
        envelope = run(order, observer, cancellation)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "cancelled"
    assert observer.running == 0
    assert time.monotonic() - begin < 30
