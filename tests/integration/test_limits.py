"""Time, memory, retries, cancellation: what stops a run, and that nothing is left of it."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from capsule.process.cancel import Cancellation
from capsule.runner.run import run
from tests.integration.workbench import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "source",
    [
        "def main():\n    while True: pass",
        "import time\ndef main(): time.sleep(1e9)",
        "import asyncio\nasync def main(): await asyncio.sleep(1e9)",
        "import time\ntime.sleep(1e9)\ndef main(): pass",
        "import posix\ndef main(): posix.read(0, 1)",
        "def main():\n    while True: print('x' * 60000)",
        "def main():\n    try:\n        while True: pass\n    except BaseException: main()",
        "import re\ndef main(): re.match('(a+)+$', 'a' * 40 + 'b')",
        "def main(): return 10 ** 10 ** 8 % 7",
    ],
)
def test_a_timeout_of_one_second_ends_at_1250_ms(bench: Workbench, source: str) -> None:
    envelope = bench.run(source, compute=10**14, timeout_ms=1000)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout", envelope["error"]
    assert "1s" in envelope["error"]["message"]
    assert 1_000 <= envelope["execution"]["duration_ms"] <= 2_000


@pytest.mark.parametrize(
    "source",
    [
        "def main(): return len(bytearray(100 << 20))",
        "def main(): return len('x' * (100 << 20))",
        "def main():\n    kept = []\n    while True: kept.append(bytearray(1 << 20))",
        "def main():\n    kept = []\n    while True: kept.append(len(kept))",
        "kept = [bytearray(100 << 20)]\ndef main(): pass",
    ],
)
def test_a_memory_limit_is_kept(bench: Workbench, source: str) -> None:
    envelope = bench.run(source, compute=10**12, max_ram=64 << 20)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "memory_exceeded", envelope["error"]
    assert 'ram="64MB"' in envelope["error"]["message"]
    used = envelope["execution"]["ram_used"]
    assert used is not None
    assert 40 << 20 <= used <= 64 << 20


def test_memory_that_is_used_shows(bench: Workbench) -> None:
    envelope = bench.run("def main(): return len(bytearray(100 << 20))", max_ram=256 << 20)
    assert envelope["result"] == 100 << 20
    used = envelope["execution"]["ram_used"]
    assert used is not None
    assert 130 << 20 <= used <= 150 << 20


def test_less_memory_than_the_interpreter_takes_is_refused(bench: Workbench) -> None:
    envelope = bench.run("def main(): pass", max_ram=8 << 20)
    assert envelope["error"] == {
        "error_type": "memory_exceeded",
        "message": "the interpreter starts with 40 MB and may use 8 MB, "
        'max_ram="8MB" of the caller\'s limits: max_ram="80MB" allows 10x',
    }
    assert bench.recorder.attempts == []


def test_a_small_budget_still_answers(bench: Workbench) -> None:
    envelope = bench.run("def main(): return 1", max_fuel=5_000_000)
    assert envelope["success"]
    # One that does next to nothing takes less than the meter can tell from nothing.
    envelope = bench.run("def main(): return sum(range(100_000))", max_fuel=1)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "fuel_exhausted"


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3)])
def test_a_failing_task_is_tried_again(bench: Workbench, retries: int, attempts: int) -> None:
    order = bench.order("def main(): 1 / 0")
    order = order._replace(policy=order.policy._replace(max_retries=retries))
    envelope = bench.run_order(order)
    assert envelope["execution"]["retries"] == retries
    assert len(bench.recorder.attempts) == attempts


def test_retries_stop_at_the_first_success(bench: Workbench) -> None:
    order = bench.order(
        "import random\ndef main():\n    if random.random() < 0.7: 1 / 0\n    return 1"
    )
    order = order._replace(policy=order.policy._replace(max_retries=60))
    envelope = bench.run_order(order)
    assert envelope["success"]
    ended = [done.outcome.error_type for done in bench.recorder.attempts]
    assert ended == ["task_error"] * envelope["execution"]["retries"] + [None]


def test_a_cancelled_run_is_not_tried_again(bench: Workbench) -> None:
    order = bench.order("import time\ndef main():\n    print('up')\n    time.sleep(1e9)")
    order = order._replace(policy=order.policy._replace(max_retries=5))
    with Cancellation() as cancellation:

        class Impatient(Recorder):
            def stdout(self, data: bytes) -> None:
                super().stdout(data)
                cancellation.cancel()

        recorder = Impatient()
        envelope = run(order, recorder, cancellation)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "cancelled"
    assert len(recorder.attempts) == 1
    assert envelope["execution"]["stdout"] == "up\n"


def leftovers(home: Path) -> tuple[int, int, int, list[str], list[str]]:
    """Return what a run could leave behind: children, descriptors, threads, files."""
    temporary = sorted(name for name in os.listdir(tempfile.gettempdir()) if "capsule" in name)
    kept = sorted(str(path) for path in (home / "cache").rglob("*") if ".new-" in path.name)
    return (
        len(psutil.Process().children(recursive=True)),
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        temporary,
        kept,
    )


def test_nothing_is_left_after_200_runs(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder for temporary files that nobody else uses.
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    sleep = "import time\ndef main(): time.sleep(1e9)"
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "success": ("def main(): return 1", {}),
        "failure": ("def main(): 1 / 0", {}),
        "timeout": (sleep, {"timeout_ms": 60}),
        "crash": ("import os\ndef main(): os.abort()", {}),
        "garbage": ("import posix\ndef main():\n    posix.write(1, b'x' * 70000)", {}),
        "fuel": ("def main():\n    while True: pass", {"max_fuel": 10**7}),
        "output": ("def main(): print('x' * 1_000_000)", {}),
    }
    orders = {name: bench.order(source, **limits) for name, (source, limits) in kinds.items()}
    orders["cancel"] = bench.order(sleep)
    bench.run_order(orders["success"])
    before = leftovers(bench.home)
    ended: dict[str, set[str | None]] = {name: set() for name in orders}
    for _ in range(25):
        for name, order in orders.items():
            with Cancellation() as cancellation:
                if name == "cancel":
                    cancellation.cancel()
                error = bench.run_order(order, cancellation)["error"]
            ended[name].add(None if error is None else error["error_type"])
    assert leftovers(bench.home) == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert ended == {
        "success": {None},
        "failure": {"task_error"},
        "timeout": {"timeout"},
        "crash": {"sandbox_crashed"},
        "garbage": {"protocol_error"},
        "fuel": {"fuel_exhausted"},
        "output": {None},
        "cancel": {"cancelled"},
    }


def test_the_time_of_fetching_is_off_the_first_attempt(bench: Workbench) -> None:
    source = "from capsule import task\n@task(compute='HIGH')\ndef main():\n    while True: pass\n"
    order = bench.order(source, timeout_ms=60_000)
    inputs = order.inputs._replace(fetched_ms=59_800)
    envelope = bench.run_order(order._replace(inputs=inputs))
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout"
    assert "of 60,000 ms, 59,800 of them for fetching its packages" in envelope["error"]["message"]
    assert envelope["execution"]["duration_ms"] < 59_000


def test_the_time_of_fetching_is_off_the_run(bench: Workbench) -> None:
    order = bench.order("def main(): return 1\n")
    limits = order.limits._replace(timeout_ms=60_000, file="capsule.toml")
    assert bench.run_order(order._replace(limits=limits))["result"] == 1
    inputs = order.inputs._replace(fetched_ms=60_000)
    spent = bench.run_order(order._replace(limits=limits, inputs=inputs))
    assert spent["error"] is not None
    assert spent["error"]["error_type"] == "policy_error"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel tells there")
def test_the_memory_of_what_is_stopped_is_known(bench: Workbench) -> None:
    source = (
        "import time\ndef main(seconds):\n    kept = bytearray(30 << 20)\n    time.sleep(seconds)"
    )
    whole = bench.run(source, 0)["execution"]["ram_used"]
    envelope = bench.run(source, 60, timeout_ms=500)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "timeout"
    assert envelope["execution"]["ram_used"] == whole
