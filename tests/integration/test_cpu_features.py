"""A home that comes from another machine: what was compiled there is made again here."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from capsule.progress import Silent
from capsule.toolstore import cpu_features
from capsule.toolstore.open_toolchain import open_toolchain
from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def test_a_home_of_another_processor(toolchain_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(toolchain_home, home)
    capsule = Command(tmp_path, home)
    task = capsule.write("task.py", "def main(): return 1")
    assert capsule("run", str(task), "--result") == (0, "1\n", "")
    root = home / open_toolchain(toolchain_home, progress=Silent()).root.relative_to(toolchain_home)
    mark = root / "processor"
    mark.write_text("another")
    compiled = root / "core.cwasm"
    old = compiled.stat().st_ino
    first = capsule("run", str(task), "--result")
    assert (first.code, first.out) == (0, "1\n")
    assert "another processor" in first.err
    assert "compiling the core interpreter" in first.err
    assert compiled.stat().st_ino != old
    assert mark.read_text() == cpu_features.mark()
    assert capsule("run", str(task), "--result") == (0, "1\n", "")
    shutil.rmtree(home)
