"""The checks of `capsule doctor`: what is the same of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.cli.commands.doctor_checks import CHECKS, Row, look
from capsule.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_check_has_one_name_whether_it_passes_or_raises(
    check: Callable[[], Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads --json looks a check up by it; what raises is named after its function."""
    monkeypatch.setenv("CAPSULE_HOME", str(tmp_path / "home"))
    assert check().name == check.__name__

    def raising() -> Row:
        raise ConfigError("no")

    raising.__name__ = check.__name__
    assert look(raising) == Row(check.__name__, "failed", "no")
