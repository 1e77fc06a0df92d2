"""The real toolchain, prepared once for all tests and kept between runs of the suite."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.progress import Silent
from capsule.toolstore import file_index
from capsule.toolstore.open_toolchain import open_toolchain
from tests.integration.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

TEST_HOME = "CAPSULE_TEST_HOME"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def toolchain_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a core interpreter; the first to ask, of all processes, prepares it.

    Each worker of pytest-xdist has a copy of its own, whose runs and cache nobody else changes.
    """
    home = Path(os.environ.get(TEST_HOME) or REPOSITORY / ".toolchain").absolute()
    root = open_toolchain(home, "core", progress=Silent()).root
    if os.environ.get("CI"):
        # All tests run: with the largest there, none of the five between them is compiled.
        open_toolchain(home, "science", progress=Silent())
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield home
        return
    mine = tmp_path_factory.mktemp("home")
    staging = shutil.ignore_patterns("staging")
    copy = shutil.copytree(root, mine / root.relative_to(home), ignore=staging)
    _recorded_anew(copy)
    # Some tests link to it, whichever of them comes first.
    (mine / "cache").mkdir(mode=0o700)
    yield mine
    shutil.rmtree(mine)


def _recorded_anew(root: Path) -> None:
    """Put what a copied toolchain's files look like here into its record, as if made here."""
    record = root / "record.json"
    known = file_index.read(record)
    assert known is not None
    for name, entry in known.files.items():
        known.files[name] = entry._replace(signature=file_index.signature(root / name))
    record.write_bytes(file_index.encode(known))


@pytest.fixture(scope="session")
def wasmtime(toolchain_home: Path) -> Path:
    """The pinned program."""
    return open_toolchain(toolchain_home, "core", progress=Silent()).wasmtime


@pytest.fixture
def bench(toolchain_home: Path, tmp_path: Path) -> Workbench:
    """Runs tasks of an empty project."""
    return Workbench(toolchain_home, tmp_path)
