"""The real toolchain, prepared once for all tests and kept between runs of the suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.progress import Silent
from capsule.toolstore.open_toolchain import open_toolchain
from tests.integration.workbench import Workbench

TEST_HOME = "CAPSULE_TEST_HOME"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def toolchain_home() -> Path:
    """A home with a core interpreter; the first to ask, of all processes, prepares it."""
    home = Path(os.environ.get(TEST_HOME) or REPOSITORY / ".toolchain").absolute()
    open_toolchain(home, "core", progress=Silent())
    if os.environ.get("CI"):
        # All tests run: with the largest there, none of the five between them is compiled.
        open_toolchain(home, "science", progress=Silent())
    return home


@pytest.fixture(scope="session")
def wasmtime(toolchain_home: Path) -> Path:
    """The pinned program."""
    return open_toolchain(toolchain_home, "core", progress=Silent()).wasmtime


@pytest.fixture
def bench(toolchain_home: Path, tmp_path: Path) -> Workbench:
    """Runs tasks of an empty project."""
    return Workbench(toolchain_home, tmp_path)
