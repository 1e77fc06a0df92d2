"""Where the state is when nobody says so: where platformdirs would have it."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import pytest

from capsule.paths import state_root


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs itself is asked")
@pytest.mark.parametrize("data", [None, "", "/srv/data", "/srv//data/../x/", "relative/data", " "])
def test_the_shortcut_is_what_platformdirs_says(
    data: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    environ = {"HOME": str(tmp_path)}
    if data is not None:
        monkeypatch.setenv("XDG_DATA_HOME", data)
        environ["XDG_DATA_HOME"] = data
    expected = Path(platformdirs.user_data_dir("capsule", appauthor=False))
    if expected.is_absolute():  # a relative one would be another place in each folder
        assert state_root(environ) == expected
    else:
        assert state_root(environ) == tmp_path / ".local/share/capsule"
