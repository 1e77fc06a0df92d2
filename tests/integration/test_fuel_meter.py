"""The fuel meter against the real program: to the unit, and end to end."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from capsule import wasm
from capsule.process.argv import FEATURES
from capsule.process.trap_report import DRIVER_MODULE, read_report
from capsule.snapshot import fuel_meter, fuel_reading
from capsule.snapshot import wasm_instructions as op
from capsule.toolstore.compile import compile_module

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

# What the probe spends before the first step: entering `_start`, the budget, the call, entering
# `drain`, and setting the global.
LEAD = 6


class Probe:
    """A module that only drains, run with exactly known fuel."""

    def __init__(self, wasmtime: Path, folder: Path) -> None:
        self.wasmtime, self.folder = wasmtime, folder
        self.module = fuel_meter.host_module()
        compile_module(wasmtime, self.module.source, folder / "host.cwasm")

    def stop(self, budget: int, fuel: int) -> int:
        """Return the step at which a run with `fuel` units stops."""
        probe = self.folder / f"probe-{budget}.cwasm"
        if not probe.exists():
            compile_module(self.wasmtime, self._source(budget), probe)
        done = subprocess.run(
            [
                self.wasmtime,
                "run",
                "-W",
                FEATURES.format(fuel=fuel),
                "--allow-precompiled",
                "--preload",
                f"host={self.folder / 'host.cwasm'}",
                probe,
            ],
            capture_output=True,
            check=False,
            env={"RUST_BACKTRACE": "0", "HOME": str(self.folder)},
        )
        report = read_report(done.stderr, done.returncode)
        assert report.drain_offset is not None, done.stderr
        return (report.drain_offset - self.module.first_step) // fuel_reading.STEP_LENGTH

    def _source(self, budget: int) -> bytes:
        kinds = [op.function_type(op.I64, b""), op.function_type(b"", b"")]
        body = op.function([], op.i64_const(budget), op.call(0))
        drain = wasm.name("host") + wasm.name("drain") + b"\x00\x00"
        return b"".join(
            [
                wasm.HEADER,
                wasm.section(wasm.TYPE, wasm.vector(kinds)),
                wasm.section(wasm.IMPORT, wasm.vector([drain])),
                wasm.section(wasm.FUNCTION, wasm.vector([b"\x01"])),
                wasm.section(wasm.EXPORT, wasm.vector([wasm.name("_start") + b"\x00\x01"])),
                wasm.section(wasm.CODE, wasm.vector([body])),
                wasm.function_names(DRIVER_MODULE, ["drain", "_start"]),
            ]
        )


@pytest.fixture(scope="module")
def probe(wasmtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    return Probe(wasmtime, tmp_path_factory.mktemp("probe"))


@pytest.mark.parametrize("budget", [10**6, 10**8, 2 * 10**9, 5 * 10**10, 10**14])
def test_every_step_ends_where_it_is_said_to(probe: Probe, budget: int) -> None:
    looks = fuel_reading.last_looks(budget)
    for step in (0, 1, 7, 300, 1_000, 1_800, 2_500, 4_000, 6_000):
        assert probe.stop(budget, LEAD + looks[step]) == step
        assert probe.stop(budget, LEAD + looks[step] + 1) == step + 1


WORK = """
def main(n):
    total = 0.5
    while n:
        n -= 1
        total = total * 1.0000001 + 0.5
    return total > 0
"""


def test_ten_times_the_work_is_ten_times_the_fuel(bench: Workbench) -> None:
    def spent(n: int) -> int:
        fuel = bench.run(WORK, n, compute=10**14)["execution"]["fuel_consumed"]
        assert fuel is not None
        return fuel

    # The constant part is what no loop at all costs; CPython warms up in the first turns.
    constant = spent(0)
    measured = [spent(n) - constant for n in (20_000, 200_000, 2_000_000, 20_000_000)]
    for less, more in pairwise(measured):
        assert more / less == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    ("source", "n"),
    [
        (WORK, 100),
        (WORK, 20_000),
        (WORK, 2_000_000),
        ("def main(n): return sum(range(n))", 10_000_000),
        ("def main(n): return len(sorted(range(n), key=lambda x: -x))", 100_000),
        ("def main(n):\n    import json\n    return len(json.dumps(list(range(n))))", 30_000),
    ],
)
def test_the_least_budget_that_suffices_is_the_fuel_consumed(
    bench: Workbench, source: str, n: int
) -> None:
    fuel = bench.run(source, n, compute=10**14)["execution"]["fuel_consumed"]
    assert fuel is not None
    assert 10**5 < fuel < 2 * 10**10
    low, high = 0, 2 * fuel
    while high - low > fuel // 1_000:
        middle = (low + high) // 2
        if came_to_its_end(bench.run(source, n, compute=middle)):
            high = middle
        else:
            low = middle
    assert high == pytest.approx(fuel, rel=0.01)


def came_to_its_end(envelope: Envelope) -> bool:
    """An answer that was given is kept, so success alone does not say it."""
    return envelope["success"] and "did not come to its end" not in envelope["execution"]["stderr"]


def test_the_same_task_reads_the_same_under_every_budget(bench: Workbench) -> None:
    read = [
        bench.run(WORK, 200_000, compute=budget)["execution"]["fuel_consumed"]
        for budget in (10**9, 2 * 10**9, 5 * 10**10, 10**14)
    ]
    assert read == pytest.approx([read[0]] * 4, rel=0.006)


@pytest.mark.parametrize(
    "body", ["pass", "return 'hello'", "return {'a': [1, 2]}", "return sorted(range(30))"]
)
def test_the_smallest_task_shows_what_it_takes(bench: Workbench, body: str) -> None:
    source = f"def main(): {body}"
    fuel = bench.run(source)["execution"]["fuel_consumed"]
    assert fuel is not None
    assert 1_000 < fuel < 2 * 10**5
    low, high = 0, 2 * fuel
    while high - low > 100:
        middle = (low + high) // 2
        if came_to_its_end(bench.run(source, compute=middle)):
            high = middle
        else:
            low = middle
    assert abs(high - fuel) < 1_000
