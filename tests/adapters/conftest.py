"""The toolchain of the other tests; each file here needs one framework, and has no part in a usual run.

`nox -s adapters` has an environment for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import toolchain_home

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["toolchain_home"]


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
