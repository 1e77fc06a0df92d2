"""The real toolchain, prepared once for all tests and all runs of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.progress import Silent
from capsule.toolstore.store import open_toolchain


@pytest.fixture(scope="session")
def toolchain_home() -> Path:
    """Return a home with the real toolchain in it, ready to run `core`.

    It is `CAPSULE_TEST_HOME`, else `.toolchain` in the checkout. The first time on a machine this
    downloads 115 MB and compiles for 20 seconds, under the store's own lock; later it takes nothing.
    """
    repository = Path(__file__).resolve().parents[2]
    home = Path(os.environ.get("CAPSULE_TEST_HOME") or repository / ".toolchain")
    open_toolchain(home, "core", progress=Silent())
    return home
