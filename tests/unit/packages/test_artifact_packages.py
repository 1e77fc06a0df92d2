"""Packages that came with an artifact are kept like those that were fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.packages import package_store
from capsule.packages.artifact_packages import keep
from capsule.packages.dependency_types import NOTHING
from capsule.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"thing/__init__.py": b"X = 1\n", "thing/data/x.txt": b"text", "top.py": b""}


def test_nothing_is_kept_of_nothing(tmp_path: Path) -> None:
    assert keep(tmp_path, {}, Silent()) == NOTHING
    assert list(tmp_path.iterdir()) == []


def test_the_files_are_laid_out_once(tmp_path: Path) -> None:
    found = keep(tmp_path, FILES, Silent())
    assert found.folder is not None
    there = {
        path.relative_to(found.folder).as_posix(): path.read_bytes()
        for path in found.folder.rglob("*")
        if path.is_file()
    }
    assert there == FILES
    inode = found.folder.stat().st_ino
    assert keep(tmp_path, FILES, Silent()) == found
    assert found.folder.stat().st_ino == inode
    other = keep(tmp_path, {**FILES, "top.py": b"Y = 2\n"}, Silent())
    assert other.digest != found.digest


def test_a_damaged_file_is_laid_out_again(tmp_path: Path) -> None:
    found = keep(tmp_path, FILES, Silent())
    assert found.folder is not None
    damaged = found.folder / "thing" / "data" / "x.txt"
    damaged.chmod(0o600)
    damaged.write_bytes(b"t3xt")
    assert isinstance(package_store.look(found.folder.parent, found.digest), package_store.Damage)
    assert keep(tmp_path, FILES, Silent()) == found
    assert damaged.read_bytes() == b"text"
