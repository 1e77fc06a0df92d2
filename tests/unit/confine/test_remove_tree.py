"""Deleting what a stranger left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from capsule.confine.remove_tree import remove_tree
from capsule.confine.scratch import INTERVAL, MAX_DEPTH, Scratch

if TYPE_CHECKING:
    from pathlib import Path


def deep(folder: Path, levels: int, name: str) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
        os.close(here)
        here = inner
    os.close(here)


@pytest.mark.parametrize(("levels", "name"), [(3, "a"), (3_000, "a"), (100, "x" * 200)])
def test_however_deep(tmp_path: Path, levels: int, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    deep(folder, levels, name)
    remove_tree(folder)
    assert list(tmp_path.iterdir()) == []


def test_folders_that_may_not_be_written(tmp_path: Path) -> None:
    deep(tmp_path, 5, "folder")
    for path in [tmp_path / "folder", *(tmp_path / "folder").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    remove_tree(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_links_are_deleted_and_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for made in (outside, folder, folder / "inner"):
        made.mkdir()
    (outside / "file").touch()
    (folder / "link").symlink_to(outside)
    (folder / "inner" / "link").symlink_to(outside / "file")
    remove_tree(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "file").exists()


def test_what_is_gone_is_gone(tmp_path: Path) -> None:
    remove_tree(tmp_path / "missing")


def look(folder: Path) -> str | None:
    scratch = Scratch(folder)
    scratch.next_look -= INTERVAL
    return scratch.overflow(os.getpid())


@pytest.mark.parametrize(
    ("levels", "name", "said"),
    [
        (MAX_DEPTH - 1, "a", None),
        (MAX_DEPTH + 2, "a", "more than 64 deep"),
        (40, "x" * 200, "cannot be looked at"),
    ],
)
def test_deep_folders_are_too_much(
    tmp_path: Path, levels: int, name: str, said: str | None
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    deep(folder, levels, name)
    found = look(folder)
    assert found is None if said is None else said in (found or "")
    remove_tree(folder)


def test_what_is_added_to_a_copy_counts(tmp_path: Path) -> None:
    folder, copy = tmp_path / "folder", tmp_path / "copy"
    for made in (folder, copy):
        made.mkdir()
    deep(copy, MAX_DEPTH + 2, "a")
    with (copy / "large").open("wb") as file:
        file.truncate(300 << 20)
    scratch = Scratch(folder)
    scratch.watch(copy)
    scratch.next_look = 0
    assert scratch.overflow(os.getpid()) is None
    with (copy / "added").open("wb") as file:
        file.truncate(200 << 20)
    scratch.next_look = 0
    assert scratch.overflow(os.getpid()) is None
    with (folder / "more").open("wb") as file:
        file.truncate(150 << 20)
    scratch.next_look = 0
    assert scratch.overflow(os.getpid()) == "/ and /tmp hold more than 256 MB"


def test_files_that_are_deleted_and_open_count(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(330 << 20)
        path.unlink()
        assert look(tmp_path) == "/ and /tmp hold more than 256 MB"
    assert look(tmp_path) is None
