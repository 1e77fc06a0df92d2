"""What is refused before anything is started."""

from __future__ import annotations

import pytest

from capsule.confine.guard_words import PLAIN_NAMES, WINDOWS_NAMES, name_rules
from capsule.confine.isolation_layers import IsolationLayers
from capsule.errors import ToolchainError
from capsule.process import launch
from tests.unit.process.test_argv import LAUNCH


def test_names_of_another_system() -> None:
    (other,) = {PLAIN_NAMES, WINDOWS_NAMES} - {name_rules()}
    with pytest.raises(ToolchainError, match=f"the guard was told '{other}'"):
        launch.start(LAUNCH._replace(names=other), IsolationLayers(0), timeout_ms=None)
