"""Private folders: whose they are, and what becomes of those that were left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.confine import private_dirs
from capsule.confine.private_dirs import parent_in, private_folder, sweep
from capsule.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[3]

HOLDER = """
import sys
from capsule.confine.private_dirs import private_folder
with private_folder() as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("content")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for temporary files that nobody else uses."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(private_dirs, "_YOUNG", 0.0)
    yield tmp_path
    private_dirs._swept.discard(parent_in(str(tmp_path)))


@pytest.fixture
def left_behind(place: Path) -> Path:
    """The folder of a program that was killed."""
    with Holder(place) as (program, folder):
        program.send_signal(signal.SIGKILL)
        program.wait(20)
    assert (folder / "inner" / "file").exists()
    return folder


class Holder:
    """A program that holds a private folder until its stdin ends."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __enter__(self) -> tuple[subprocess.Popen[str], Path]:
        self.program = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"TMPDIR": str(self.place), "PYTHONPATH": str(REPOSITORY)},
        )
        assert self.program.stdout is not None
        return self.program, Path(self.program.stdout.readline().strip())

    def __exit__(self, *exc: object) -> None:
        self.program.communicate(timeout=20)


def test_it_is_private_empty_and_gone_afterwards(place: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == parent_in(str(place))
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.iterdir()) == []
        with private_folder() as other:
            assert other != folder
    assert list(place.iterdir()) == []


def test_the_next_program_sweeps_what_was_left_behind(left_behind: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == left_behind.parent
        assert not left_behind.exists()


def test_a_folder_in_use_is_not_swept(place: Path) -> None:
    with Holder(place) as (program, folder):
        assert sweep(folder.parent) == 0
        assert (folder / "inner" / "file").read_text() == "content"
        assert program.poll() is None
    assert not folder.exists()


def test_a_young_folder_is_not_swept(left_behind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_dirs, "_YOUNG", 1e9)
    assert sweep(left_behind.parent) == 0
    assert left_behind.exists()


def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    (mine := tmp_path / "mine").mkdir()
    (mine / "file").touch()
    (parent := parent_in(str(place))).mkdir(mode=0o700)
    (parent / "link").symlink_to(mine)
    sweep(parent)
    assert (mine / "file").exists()


@pytest.mark.parametrize("kind", ["link", "file", "open to others"])
def test_a_name_that_somebody_else_took_is_not_used(
    place: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = parent_in(str(place))
    (place / "other").mkdir()
    if kind == "link":
        parent.symlink_to(place / "other")
    elif kind == "file":
        parent.touch()
    else:
        parent.mkdir(mode=0o777)
        parent.chmod(0o777)
    monkeypatch.setattr(private_dirs, "_USUAL", ())
    refuse(ToolchainError, "no folder for temporary files")
    assert list((place / "other").iterdir()) == []


def test_a_folder_of_another_user_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = parent_in(str(place))
    parent.mkdir(mode=0o700)
    monkeypatch.setattr(private_dirs, "_USUAL", ())
    user = os.getuid() + 1
    with monkeypatch.context() as changed:
        changed.setattr(os, "getuid", lambda: user)
        parent.rename(parent_in(str(place)))
        refuse(ToolchainError, "not a folder of this user")


def refuse(kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message), private_folder():
        raise AssertionError("not reached")
