"""Snapshots of tasks: what they freeze, what they must not, and imports that are hostile."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from capsule import Sandbox, wasm
from capsule.policy.resolve import CallerLimits
from capsule.process.argv import Mount
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.run import run
from capsule.runner.source import read_file, read_text
from capsule.snapshot import cache, calibration, eviction, request, task_snapshot
from capsule.snapshot.changed_pages import STACK_TOP
from capsule.snapshot.initial_memory import initial_memory
from capsule.snapshot.preopens import ADDRESS, SIZE
from capsule.toolstore.open_toolchain import open_toolchain
from tests.integration.workbench import Recorder, Workbench

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.runner.run import Order

pytestmark = pytest.mark.integration


@pytest.fixture
def fresh(toolchain_home: Path, tmp_path: Path) -> Workbench:
    """A bench whose tasks nobody has run before: its folder's name is in each source."""
    return Fresh(toolchain_home, tmp_path)


class Fresh(Workbench):
    """Runs sources that differ from all others by a comment."""

    def order(self, source: str, *rest: Any, **limits: Any) -> Order:
        return super().order(f"{source}\n# {self.project}", *rest, **limits)


def entry_of(order: Order) -> Path:
    inputs = order.inputs
    return task_snapshot.store_of(inputs.home) / task_snapshot.task_key(inputs.base, inputs.code)


def plain(bench: Workbench) -> str:
    """Why the last run was without a snapshot."""
    assert bench.recorder.plain is not None
    return bench.recorder.plain


def both_runs(bench: Workbench, source: str, *args: Any) -> list[Any]:
    """The results of a first and a second run, both from the snapshot."""
    found = []
    for _ in range(2):
        envelope = bench.run(source, *args)
        assert envelope["error"] is None, envelope["error"]
        assert bench.recorder.plain is None
        found.append(envelope["result"])
    return found


def test_the_import_is_done_once(fresh: Workbench) -> None:
    source = "import fractions\nseen = []\ndef main():\n    seen.append(1)\n    return len(seen)"
    order = fresh.order(source)
    assert cache.look(entry_of(order)) is None
    assert both_runs(fresh, source) == [1, 1]
    made = entry_of(order).stat()
    fresh.run(source)
    assert entry_of(order).stat().st_ino == made.st_ino


def test_a_run_from_a_snapshot_costs_no_import(fresh: Workbench) -> None:
    source = "total = sum(i * i for i in range(1_000_000))\ndef main(): return total"
    fuel = fresh.run(source)["execution"]["fuel_consumed"]
    assert fuel is not None
    assert fuel < 1_000_000


def test_another_bundle_is_another_snapshot(fresh: Workbench) -> None:
    assert both_runs(fresh, "X = 1\ndef main(): return X") == [1, 1]
    assert both_runs(fresh, "X = 2\ndef main(): return X") == [2, 2]


def test_runs_at_once_share_one_that_is_made_once(
    fresh: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    really = task_snapshot.take

    def take(*given: Any) -> Any:
        taken.append("taken")
        return really(*given)

    monkeypatch.setattr(task_snapshot, "take", take)
    order = fresh.order("import decimal\ndef main(): return 7")
    results: list[Any] = []

    def one() -> None:
        with Cancellation() as never:
            results.append(run(order, Recorder(), never)["result"])

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results, taken) == ([7] * 6, ["taken"])


@pytest.mark.parametrize("name", ["memory.cwasm", "entry.json"])
def test_a_damaged_snapshot_is_made_again(fresh: Workbench, name: str) -> None:
    source = "def main(): return 7"
    fresh.run(source)
    path = entry_of(fresh.order(source)) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert both_runs(fresh, source) == [7, 7]
    assert path.read_bytes() != content


# What a snapshot freezes, and the answers.


def test_folders_of_the_run_are_seen_whatever_the_snapshot_was_taken_with(
    fresh: Workbench, tmp_path: Path
) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    source = """
import os
def main():
    found = {}
    for folder in ("/data", "/more"):
        try:
            found[folder] = open(folder + "/file").read()
        except OSError:
            found[folder] = None
    return found
"""
    order = fresh.order(source)

    def seen(*folders: tuple[str, str]) -> Any:
        mounts = tuple(Mount(tmp_path / host, guest, writable=False) for host, guest in folders)
        inputs = order.inputs._replace(folders=mounts)
        envelope = fresh.run_order(order._replace(inputs=inputs))
        assert fresh.recorder.plain is None
        return envelope["result"]

    assert seen() == {"/data": None, "/more": None}
    assert seen(("first", "/data")) == {"/data": "first", "/more": None}
    assert seen(("second", "/data")) == {"/data": "second", "/more": None}
    assert seen(("third", "/more"), ("first", "/data")) == {"/data": "first", "/more": "third"}


def test_an_import_that_looks_at_files_is_repeated_when_there_are_some(
    fresh: Workbench, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("text")
    source = "import os\nX = os.path.exists('data/file')\ndef main(): return X"
    assert both_runs(fresh, source) == [False, False]
    order = fresh.order(source)
    folders = (Mount(tmp_path, "/data", writable=False),)
    inputs = order.inputs._replace(folders=folders)
    assert fresh.run_order(order._replace(inputs=inputs))["result"] is True
    assert "genericpath.exists (stdin.py, line 2)" in plain(fresh)


def test_randomness_is_new_in_each_run(fresh: Workbench) -> None:
    source = """
import os, random, secrets, time, uuid
def main():
    return [random.random(), random.getrandbits(64), str(uuid.uuid4()), secrets.token_hex(),
            os.urandom(16).hex(), time.time_ns(), random.SystemRandom().random()]
"""
    first, second = both_runs(fresh, source)
    assert all(one != other for one, other in zip(first, second, strict=True))


STREAMS = """
import os, random, secrets, uuid
from capsule import task

@task
def main(n):
    return [random.random(), random.Random().random(), uuid.uuid4().hex, secrets.token_hex(8),
            os.urandom(8).hex()]
"""


def test_a_thousand_starts_have_a_thousand_streams(
    toolchain_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    (tmp_path / "task.py").write_text(STREAMS)

    async def results() -> list[list[object]]:
        async with Sandbox(tmp_path / "task.py", warm=0) as sandbox:
            return [each.result async for each in sandbox.map(range(1_000))]

    found = asyncio.run(results())
    kinds = [len(set(values)) for values in zip(*found, strict=True)]
    assert kinds == [1_000] * 5


def test_a_generator_with_a_seed_of_its_own_keeps_it(fresh: Workbench) -> None:
    source = "import random\nrng = random.Random(3)\ndef main(): return rng.random()"
    first, second = both_runs(fresh, source)
    assert first == second


@pytest.mark.parametrize(
    "source",
    [
        "import logging\nlog = logging.getLogger('x')\nlogging.basicConfig()",
        "import re, json, decimal, fractions, collections, dataclasses, enum, typing, asyncio",
        "import urllib.request, http.client, email, html, csv, sqlite3, zoneinfo, unittest",
        "import random, uuid, secrets, time, datetime, tempfile",
        "from datetime import datetime\nX = datetime(2026, 1, 1).isoformat()",
        "import time\ndef clock(): return time.time()",
        "import uuid\nX = uuid.uuid5(uuid.NAMESPACE_DNS, 'x')",
        "import random\nrng = random.Random('seed')\nX = rng.sample(range(100), 5)",
    ],
)
def test_what_is_often_imported_is_frozen(fresh: Workbench, source: str) -> None:
    assert both_runs(fresh, f"{source}\ndef main(): return 1") == [1, 1]


@pytest.mark.parametrize(
    "line",
    [
        "import time; X = time.time_ns()",
        "from time import perf_counter_ns; X = perf_counter_ns()",
        "import uuid; X = str(uuid.uuid4())",
        "from uuid import uuid1; X = str(uuid1())",
        "import random; X = random.random()",
        "import random; X = random.sample(range(10**9), 3)",
        "import random; X = random.Random().random()",
        "import random; X = random.SystemRandom().random()",
        "import secrets; X = secrets.token_hex()",
        "import os; X = os.urandom(8).hex()",
        "from datetime import datetime; X = str(datetime.now())",
        "def now():\n    import time\n    return time.time_ns()\nX = now()",
        "class C:\n    import uuid\n    X = str(uuid.uuid4())\nX = C.X",
        "import uuid, dataclasses\n@dataclasses.dataclass\nclass C:\n"
        "    x: object = dataclasses.field(default_factory=uuid.uuid4)\nX = str(C().x)",
        "import time, dataclasses\n@dataclasses.dataclass\nclass C:\n"
        "    x: object = dataclasses.field(default_factory=time.time_ns)\nX = C().x",
        "import uuid, collections\nX = str(collections.defaultdict(uuid.uuid4)['x'])",
        "import random\nclass R(random.Random): pass\nX = R().random()",
        "import secrets\nX = list(map(secrets.token_hex, [8]))",
        "import secrets\nX = secrets.choice(range(10**9))",
        "X = eval('__import__(\\'time\\').time_ns()')",
        "import tempfile\nX = tempfile.mktemp(dir='/tmp')",
        "import random\nX = list(map(random.randrange, [10**9]))",
    ],
)
def test_what_an_import_asks_for_is_new_in_each_run(fresh: Workbench, line: str) -> None:
    found = []
    for _ in range(2):
        found.append(fresh.run(f"{line}\ndef main(): return X")["result"])
        assert "new in each run" in plain(fresh)
    assert found[0] != found[1]


def test_a_seed_that_the_import_sets_holds(fresh: Workbench) -> None:
    source = "import random\nrandom.seed(3)\ndef main(): return random.random()"
    first, second = (fresh.run(source)["result"] for _ in range(2))
    assert first == second


def test_the_import_sees_no_environment(fresh: Workbench) -> None:
    source = "import os\nX = dict(os.environ)\ndef main(): return [X, dict(os.environ)]"
    seen = {"HOME": "/tmp"}
    assert both_runs(fresh, source) == [[seen, seen], [seen, seen]]


def test_what_the_import_prints_is_printed_in_each_run(fresh: Workbench) -> None:
    source = "import sys\nprint('out')\nprint('err', file=sys.stderr)\ndef main(): print('run')"
    for _ in range(2):
        execution = fresh.run(source)["execution"]
        assert fresh.recorder.plain is None
        assert (execution["stdout"], execution["stderr"]) == ("out\nrun\n", "err\n")


@pytest.mark.parametrize(
    ("source", "why", "result"),
    [
        ("X = open('/usr/local/lib/python315.zip', 'rb')\ndef main(): return X.read(2).hex()",
         "leaves a file open", "504b"),
        ("import sys\nprint('x' * 100_000)\ndef main(): return 1", "prints more", 1),
        ("open('/tmp/left', 'w').close()\ndef main():\n    import os\n"
         "    return os.path.exists('/tmp/left')", "writes files", True),
        ("X = bytearray(400 << 20)\nfor at in range(0, len(X), 8192): X[at] = 1\n"
         "def main(): return 1", "more than 4,096 pieces", 1),
        ("X = bytearray(range(256)) * (2 << 20)\ndef main(): return len(X)",
         "larger than 256MB", 512 << 20),
        ("X = bytearray(200 << 20)\nX[-1] = 1\ndef main(): return X[-1]",
         "over more than 128MB that it did not change", 1),
    ],
)  # fmt: skip
def test_an_import_that_cannot_be_frozen_is_repeated(
    fresh: Workbench, source: str, why: str, result: object
) -> None:
    for _ in range(2):
        envelope = fresh.run(source)
        assert envelope["result"] == result, envelope["error"]
        assert why in plain(fresh)


def test_an_import_that_fails_says_so_in_each_run(fresh: Workbench) -> None:
    for _ in range(2):
        error = fresh.run("X = 1\nraise KeyError('gone')\ndef main(): pass")["error"]
        assert error is not None
        assert (error["error_type"], error["message"]) == ("task_error", "KeyError: 'gone'")
        assert error["traceback"] is not None
        assert "line 2" in error["traceback"]


def test_modules_beside_the_task_are_frozen_and_lazy_ones_still_found(
    fresh: Workbench, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("X = 5\n")
    (tmp_path / "later.py").write_text("Y = 7\n")
    path = tmp_path / "entry.py"
    path.write_text("import beside\ndef main():\n    import later\n    return beside.X + later.Y\n")
    source = read_file(path, tmp_path)
    order = prepare.order(source, prepare.Call(), fresh.home, Silent())
    assert [fresh.run_order(order)["result"] for _ in range(2)] == [12, 12]
    assert fresh.recorder.plain is None


# An import is code that nobody trusts.


@pytest.mark.parametrize(
    "attack",
    [
        "import posix\nposix.write(1, b'x' * 10)",
        "import posix\nposix.write(1, bytes([18, 4, 0, 0, 0]) + b'null')",
        "import posix\nposix.write(1, bytes([18, 255, 255, 255, 3]) + b'x' * 1000)",
        "import posix\nposix.write(1, bytes([21, 20, 0, 0, 0]) + bytes([128, 2, 0, 0]) + b'0' * 16)",
        "import posix\nposix.dup2(2, 1)",
        "import posix\nposix.close(1)",
        "import os\nos._exit(0)",
        "import sys\nsys.exit(0)",
        "import ctypes",
        "def f(): f()\nimport sys\nsys.setrecursionlimit(10**9)\nf()",
        "from capsule_guest import snapshot_prepare\nsnapshot_prepare.freeze = None",
        "from capsule_guest import snapshot_prepare\nsnapshot_prepare.json.dumps = lambda value: 'nonsense'",
        "from capsule_guest import snapshot_prepare\nsnapshot_prepare.json.dumps = lambda value: '[' * 100_000",
        "from capsule_guest import snapshot_prepare\nsnapshot_prepare.json.dumps = lambda value: '{\"open\": []}'",
        "from capsule_guest import snapshot_prepare\nsnapshot_prepare.json.dumps = lambda value: "
        "'[' + '{},' * (20 << 20) + '0]'",
        "from capsule_guest import snapshot_prepare\nsnapshot_prepare.json.dumps = lambda value: "
        '\'{"open": [], "printed": 0, "left": 0, "files": null, "fresh": "\\\\ud800"}\'',
        "from capsule_guest import main\nmain.send = lambda kind, answer: None",
        "from capsule_guest import main\nmain.send = lambda kind, answer: 1 / 0",
    ],
)
def test_a_hostile_import_harms_only_its_own_run(fresh: Workbench, attack: str) -> None:
    begin = time.monotonic()
    envelope = fresh.run(f"{attack}\ndef main(): return 1")
    assert time.monotonic() - begin < 30
    assert envelope["success"] or envelope["error"] is not None
    assert fresh.run("def main(): return 2")["result"] == 2


def test_an_endless_import_ends_with_the_timeout(fresh: Workbench) -> None:
    fresh.run("def main(): pass")
    source = "import time\nwhile True: time.sleep(1)\ndef main(): pass"
    for _ in range(2):
        begin = time.monotonic()
        envelope = fresh.run(source, timeout_ms=700)
        assert time.monotonic() - begin < 2
        assert envelope["error"] is not None
        assert envelope["error"]["error_type"] == "timeout"
        assert 700 <= envelope["execution"]["duration_ms"] < 1500


def test_a_short_timeout_is_enough_for_a_short_import(fresh: Workbench) -> None:
    fresh.run("def main(): pass")
    found = [fresh.run("def main(): return 1", timeout_ms=150)["result"] for _ in range(3)]
    assert 1 in found


def test_memory_of_the_host_is_bounded_whatever_an_import_reports(fresh: Workbench) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fresh.run(
        "from capsule_guest import snapshot_prepare\n"
        "freezing.json.dumps = lambda value: '[' + '{},' * (20 << 20) + '0]'\n"
        "def main(): return 1"
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def test_an_import_is_held_to_the_ram_of_the_task(fresh: Workbench) -> None:
    source = "X = bytearray(100 << 20)\ndef main(): return 1"
    error = fresh.run(source, max_ram=64 << 20)["error"]
    assert error is not None
    assert error["error_type"] == "memory_exceeded"
    # What was for want of memory is not kept.
    assert both_runs(fresh, source) == [1, 1]


def test_pruning_takes_nothing_away_from_a_run(fresh: Workbench) -> None:
    source = """
from capsule import task
@task(max_retries=2)
def main():
    import time
    time.sleep(0.3)
    raise ValueError("again")
"""
    order = fresh.order(source)
    stop = threading.Event()

    def prune() -> None:
        while not stop.wait(0.01):
            eviction.prune(fresh.home / "cache", eviction.Bounds(), all_of_it=True)

    pruner = threading.Thread(target=prune)
    pruner.start()
    try:
        envelope = fresh.run_order(order)
    finally:
        stop.set()
        pruner.join()
    assert envelope["error"] is not None
    assert envelope["error"]["message"] == "ValueError: again"
    assert envelope["execution"]["retries"] == 2


def test_a_cancelled_import_is_a_cancelled_run(fresh: Workbench) -> None:
    order = fresh.order("import time\ntime.sleep(60)\ndef main(): pass")
    with Cancellation() as cancellation:
        threading.Timer(0.5, cancellation.cancel).start()
        envelope = run(order, Recorder(), cancellation)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "cancelled"
    assert cache.look(entry_of(order)) is None


def test_a_frozen_trick_gains_no_fuel(fresh: Workbench) -> None:
    """Burning in answer to an empty request would count as overhead, were it measured."""
    source = """
from capsule_guest import main as guest
really = guest.receive
def receive():
    kind, content = really()
    if b'"module": null' in content:
        for _ in range(10**7): pass
    return kind, content
guest.receive = receive
def main():
    for _ in range(10**6): pass
"""
    envelope = fresh.run(source, compute=100_000_000)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "fuel_exhausted"


def test_the_overhead_is_what_a_run_without_a_task_takes(fresh: Workbench) -> None:
    order = fresh.order("import json, re, textwrap\ndef main(): return None")
    fresh.run_order(order)
    base = order.inputs.base
    with Cancellation() as never:
        found = task_snapshot.open_task(
            fresh.home,
            base,
            order.inputs.code,
            task_snapshot.SnapshotSettings(order.layers, None, None, never, Silent()),
        )
    assert isinstance(found, task_snapshot.Frozen)
    launch = base.launch._replace(image=found.snapshot.image)
    module = order.inputs.code.entry
    asked = request.null_call(module, hollow=True), request.null_call(module)
    measured = calibration.costs(launch, base.first_step, order.layers, *asked)
    # The end of a program is its own: one that has imported something takes more to end. Each of the
    # two is a reading of the meter, to some 256 units.
    assert -1_000 < measured.overhead - found.snapshot.overhead < 50_000
    assert abs(found.snapshot.warming - measured.warming) < 1_000


def test_memory_that_the_import_took_counts(fresh: Workbench) -> None:
    source = "X = bytearray(80 << 20)\ndef main(): return len(X)"
    envelope = fresh.run(source, max_ram=64 << 20)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "memory_exceeded"
    assert fresh.run(source)["result"] == 80 << 20


def test_the_address_of_the_list_of_folders_is_the_interpreters(toolchain_home: Path) -> None:
    """Read from the function that clears it: each store writes zero to a constant address."""
    from scripts import module_places

    root = open_toolchain(toolchain_home, progress=Silent()).root
    module = (root / "interpreter.wasm").read_bytes()
    stores = module_places.zeroed(module, "__wasilibc_reset_preopens")
    assert (min(stores), max(stores)) == (ADDRESS, ADDRESS + SIZE - 4)


def test_the_stack_begins_where_the_interpreter_says(toolchain_home: Path) -> None:
    """Its first global is the stack pointer; its data begin above, and the C library's limit."""
    root = open_toolchain(toolchain_home, progress=Silent()).root
    module = (root / "interpreter.wasm").read_bytes()
    sections = {section.kind: section for section in wasm.sections(module)}
    at = sections[wasm.GLOBAL].start
    # How many there are; type i32, mutable; i32.const.
    assert module[at + 1 : at + 4] == b"\x7f\x01\x41"
    assert wasm.read_sleb(module, at + 4, at + 12)[0] == STACK_TOP
    memory = initial_memory(root / "interpreter.wasm")
    assert not any(memory[: STACK_TOP - (1 << 20)])


def test_limits_of_the_caller_hold_behind_a_snapshot(fresh: Workbench) -> None:
    source = "def main():\n    while True: pass"
    fresh.run(source, max_fuel=10**7)
    limits = CallerLimits(max_fuel=10**7)
    order = prepare.order(
        read_text(source.encode(), fresh.project),
        prepare.Call(limits=limits),
        fresh.home,
        Silent(),
    )
    error = fresh.run_order(order)["error"]
    assert error is not None
    assert error["error_type"] == "fuel_exhausted"
