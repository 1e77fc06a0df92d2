"""What stands for the guest's files is known without reading them, and never of others."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.paths import toolchain_data
from capsule.snapshot import guest_files
from capsule.toolstore import file_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the guest's files, which are of yesterday as far as anyone can tell."""
    data = tmp_path / "data"
    shutil.copytree(toolchain_data() / "guest", data / "guest")
    monkeypatch.setattr(guest_files, "toolchain_data", lambda: data)
    later = time.time_ns() + 10**12
    monkeypatch.setattr(file_index, "now", lambda: later)
    return data / "guest"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files were read each time."""
    read, found = guest_files._contents, []

    def contents(paths: list[tuple[str, str]]) -> dict[str, bytes]:
        found.append(len(paths))
        return read(paths)

    monkeypatch.setattr(guest_files, "_contents", contents)
    return found


def test_unchanged_files_are_read_once(guest: Path, readings: list[int], tmp_path: Path) -> None:
    first = guest_files.fingerprint(tmp_path)
    assert len(readings) == 1
    assert guest_files.fingerprint(tmp_path) == first
    assert len(readings) == 1
    assert guest_files.guest_files(first)["capsule/__init__.py"]


def other_byte(guest: Path) -> None:
    file = guest / "capsule_api.py"
    status = file.stat()
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def one_more(guest: Path) -> None:
    (guest / "capsule_guest" / "more.py").touch()


def one_less(guest: Path) -> None:
    (guest / "capsule_guest" / "bytecode.py").unlink()


def other_name(guest: Path) -> None:
    file = guest / "capsule_guest" / "bytecode.py"
    file.rename(file.with_name("bytecodes.py"))


@pytest.mark.parametrize("change", [other_byte, one_more, one_less, other_name])
def test_a_change_is_seen(guest: Path, tmp_path: Path, change: Callable[[Path], None]) -> None:
    before = guest_files.fingerprint(tmp_path)
    change(guest)
    assert guest_files.fingerprint(tmp_path) != before
    with pytest.raises(ToolchainError, match="changed just now"):
        guest_files.guest_files(before)


def test_the_same_files_elsewhere_are_the_same(guest: Path, tmp_path: Path) -> None:
    before = guest_files.fingerprint(tmp_path)
    for file in guest.rglob("*.py"):
        file.write_bytes(file.read_bytes())
    assert guest_files.fingerprint(tmp_path) == before


def test_files_of_this_moment_are_read_each_time(
    guest: Path, readings: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = (guest / "capsule_api.py").stat().st_ctime_ns
    monkeypatch.setattr(file_index, "now", lambda: changed + 10**6)
    assert guest_files.fingerprint(tmp_path) == guest_files.fingerprint(tmp_path)
    assert len(readings) == 2
    assert not (tmp_path / "cache").exists()
