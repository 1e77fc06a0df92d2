"""Where the state is when nobody says so: where platformdirs would have it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest

from capsule.paths import make_private, state_root

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture
def open_umask() -> Iterator[None]:
    """What is made is open to everybody, unless its maker says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_what_is_missing_is_made_for_this_user_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    make_private(tmp_path / "there" / "home" / "cache" / "kind")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_dir()
    }
    assert modes == {"there": 0o755, "home": 0o700, "cache": 0o700, "kind": 0o700}
    make_private(tmp_path / "there")
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o755


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make_private(tmp_path / "file" / "below")


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("words", [("doctor",), ("trace",), ("run", "one.py"), ("cache", "list")])
def test_nobody_else_can_write_in_a_new_home(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Of all that a command makes before it has a toolchain."""
    home = tmp_path / "above" / "home"
    (tmp_path / "one.py").write_text("def main(): return 1")
    subprocess.run(
        [sys.executable, "-m", "capsule", *words],
        cwd=tmp_path,
        env={
            "CAPSULE_HOME": str(home),
            "PATH": "",
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        check=False,
    )
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in folders), folders
