"""Private copies of folders: whole, and of nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.confine import nofollow, readonly_copies


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = Path(os.path.realpath(tmp_path))
    (place / "data" / "in").mkdir(parents=True)
    (place / "data" / "in" / "file").write_text("inside")
    (place / "data" / "link").symlink_to("in/file")
    (place / "outside").mkdir()
    (place / "outside" / "file").write_text("secret")
    return place


def copied(folder: Path) -> Path:
    target = folder.parent / "copy"
    target.mkdir()
    readonly_copies.copy_tree(folder, target, lambda _size: None)
    return target


def test_a_copy_holds_files_folders_and_links_as_links(place: Path) -> None:
    os.mkfifo(place / "data" / "pipe")
    copy = copied(place / "data")
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*")) == [
        "in",
        "in/file",
        "link",
    ]
    assert (copy / "in" / "file").read_text() == "inside"
    assert (copy / "link").readlink() == Path("in/file")


def test_no_copy_is_made_through_a_link(place: Path) -> None:
    (place / "way").symlink_to("outside")
    with pytest.raises(NotADirectoryError):
        copied(place / "way")


@pytest.mark.parametrize("swapped", ["in", "in/file"])
def test_what_becomes_a_link_meanwhile_is_not_followed(
    place: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    """Another sandbox writes to the folder while it is copied, at the worst moment."""
    look = os.scandir

    def late(here: int) -> _Closing:
        entries = _Closing(look(here))
        victim = place / "data" / swapped
        if any(entry.name == victim.name for entry in entries) and not victim.is_symlink():
            for entry in entries:
                entry.stat(follow_symlinks=False)  # remembered, as that of a real race is
            victim.rename(place / "moved")
            victim.symlink_to(place / "outside" / ("file" if victim.name == "file" else ""))
        return entries

    monkeypatch.setattr(os, "scandir", late)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        copied(place / "data")


class _Closing(list["os.DirEntry[str]"]):
    """Entries that were read already, as what `os.scandir` gives."""

    def __enter__(self) -> _Closing:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close nothing."""


def test_a_straight_folder_is_opened_and_a_link_anywhere_on_the_way_is_not(place: Path) -> None:
    os.close(nofollow.open_nofollow(place / "data" / "in"))
    os.close(nofollow.open_nofollow(Path("/")))
    (place / "way").symlink_to("data")
    for crooked in (place / "way", place / "way" / "in", place / "data" / "link"):
        assert not nofollow.has_no_links(crooked)
        with pytest.raises(NotADirectoryError):
            nofollow.open_nofollow(crooked)
    with pytest.raises(FileNotFoundError):
        nofollow.open_nofollow(place / "none" / "in")
