"""Runs where the kernel gives no second wall: the guard keeps what is only read as it is."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from capsule.confine.isolation_layers import IsolationLayers
from capsule.progress import Silent
from capsule.toolstore.open_toolchain import open_toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for temporary files that nobody else uses."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)


VANDAL = """
import os
def main():
    refused = []
    for harm in (
        lambda: os.truncate('/usr/local/lib/python315.zip', 10),
        lambda: os.unlink('/usr/local/lib/python315.zip'),
        lambda: open('/usr/local/lib/new', 'w').close(),
        lambda: os.rename('/usr/local/lib/python315.zip', '/tmp/taken'),
    ):
        try:
            harm()
        except PermissionError:
            refused.append(True)
    return refused
"""


VANDAL_AT_IMPORT = (
    VANDAL.replace("def main():", "def vandal():")
    + """
harmed = vandal()
def main(): return harmed
"""
)


@pytest.mark.parametrize("source", [VANDAL, VANDAL_AT_IMPORT])
def test_what_is_only_read_stays_as_it_is(
    bench: Workbench, toolchain_home: Path, source: str, tmp_path: Path
) -> None:
    archive = open_toolchain(toolchain_home, progress=Silent()).stdlib / "python315.zip"
    before = archive.stat()
    order = bench.order(f"{source}# {tmp_path}")._replace(layers=IsolationLayers(landlock=0))
    envelope = bench.run_order(order)
    assert envelope["result"] == [True] * 4, envelope
    after = archive.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (
        before.st_mtime_ns,
        before.st_size,
        before.st_ino,
    )
    assert sorted(path.name for path in archive.parent.iterdir()) == ["python315.zip"]
    assert os.listdir(tempfile.gettempdir()) == []
    assert bench.run("import csv\ndef main(): return 1")["result"] == 1


def test_a_task_runs(bench: Workbench) -> None:
    order = bench.order("import csv\ndef main(): return 1")._replace(
        layers=IsolationLayers(landlock=0)
    )
    assert bench.run_order(order)["result"] == 1
