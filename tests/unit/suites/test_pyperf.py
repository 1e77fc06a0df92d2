"""The stand-in for pyperf runs what a benchmark would measure."""

from __future__ import annotations

import sys

import pytest

from scripts.suites.inside import pyperf


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> pyperf.Runner:
    monkeypatch.setattr(pyperf, "done", [])
    monkeypatch.setattr(sys, "argv", ["run_benchmark.py", "--size", "3"])
    found = pyperf.Runner(add_cmdline_args=None)
    found.argparser.add_argument("--size", type=int)
    return found


def test_each_kind_of_benchmark_is_run_once(runner: pyperf.Runner) -> None:
    ran: list[object] = []

    async def waits(what: str) -> None:
        ran.append(what)

    def timed(loops: int, what: str) -> float:
        ran.append((loops, what))
        return 0.1

    runner.bench_func("plain", ran.append, "plain", inner_loops=10)
    runner.bench_time_func("timed", timed, "timed")
    runner.bench_async_func("awaited", waits, "awaited")
    assert ran == ["plain", (1, "timed"), "awaited"]
    assert pyperf.done == ["plain", "timed", "awaited"]
    assert runner.args.size == 3


def test_a_module_is_run_in_place_and_no_other_command(
    runner: pyperf.Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.bench_command("module", [sys.executable, "-m", "this"])
    assert "Beautiful is better than ugly" in capsys.readouterr().out
    with pytest.raises(OSError, match=r"it starts a process: .* -c pass"):
        runner.bench_command("command", [sys.executable, "-c", "pass"])
    assert pyperf.done == ["module"]
