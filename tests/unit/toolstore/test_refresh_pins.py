"""The script that refreshes the pins: the real one, with the real pip, from a folder of wheels."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.toolstore import pins

if TYPE_CHECKING:
    from tests.unit.toolstore.conftest import Bench

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(
    not (importlib.util.find_spec("pip") or importlib.util.find_spec("ensurepip")),
    reason="this Python has no pip",
)


def refresh(bench: Bench, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts/refresh_pins.py", "--pins", bench.pins, *options],
        env={
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(bench.index),
            "PIP_CONFIG_FILE": "/dev/null",
            "PATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_wasmtime(bench: Bench) -> None:
    bench.release("50.0.0")
    expected = pins.load(bench.pins)
    bench.release("49.0.0")
    before = bench.pins.read_text()

    checked = refresh(bench, "--check", "--wasmtime", "50.0.0")
    assert checked.returncode == 1, checked.stderr
    assert '+version = "50.0.0"' in checked.stdout
    # What is known of the new one, for these kinds of machine, behind the diff.
    told = [line for line in checked.stdout.splitlines() if ": GHSA-" in line]
    assert "known: GHSA-5m8g-xhq4-4h93 concerns wasmtime 50.0.0, everywhere" in told
    assert checked.stdout.splitlines()[-len(told) :] == told
    assert bench.pins.read_text() == before

    written = refresh(bench, "--wasmtime", "50.0.0")
    assert (written.returncode, written.stdout) == (0, checked.stdout)
    assert pins.load(bench.pins) == expected

    again = refresh(bench, "--check")
    assert (again.returncode, again.stdout) == (0, "")


def test_a_version_that_the_index_does_not_have(bench: Bench) -> None:
    bench.release("50.0.0")
    before = bench.pins.read_text()
    ran = refresh(bench, "--interpreter", "9.9.9")
    assert ran.returncode == 3
    assert "could not download tiny-python 9.9.9" in ran.stderr
    assert bench.pins.read_text() == before
