"""Where the values of variables come from, and where they do not."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from capsule.errors import ConfigError
from capsule.runner.environment import places_of, values_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "project"
    root.mkdir()
    return root


@pytest.mark.parametrize("target", ["../other", "/etc/passwd", "../absent", "../project-2/.env"])
def test_a_file_that_leads_out_of_the_project_is_refused(root: Path, target: str) -> None:
    """A stranger's folder would get values of another file."""
    (root.parent / "other").write_text("A=1\n")
    (root / ".env").symlink_to(target)
    with pytest.raises(ConfigError) as caught:
        values_of(["A"], root, {})
    assert str(root / ".env") in caught.value.message
    assert os.path.realpath(root / ".env") in caught.value.message
    assert caught.value.hint is not None
    # The host's own value needs no file.
    assert values_of(["A"], root, {"A": "2"}) == {"A": "2"}


def test_a_file_that_is_a_link_within_the_project(root: Path) -> None:
    (root / "settings").write_text("A=1\n")
    (root / ".env").symlink_to("settings")
    assert values_of(["A"], root, {}) == {"A": "1"}


def test_where_they_are_set(root: Path) -> None:
    (root / ".env").write_text("A=1\nB=1\n")
    assert places_of(["A", "B", "C"], root, {"A": "2"}) == {
        "A": "set here",
        "B": "set in .env",
        "C": "not set",
    }


def test_what_cannot_be_read_in_it_prints_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest
    (root / ".env").write_text("A='1\nB=2\n")
    assert values_of(["A", "B"], root, {}) == {"B": "2"}
    assert values_of(["A", "B"], root, {}) == {"B": "2"}
    assert capsys.readouterr().err == ""
    assert len(logging.getLogger("dotenv").handlers) == 1
