"""Private copies of folders that are only read: whole, and of nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.confine import nofollow, readonly_copies
from capsule.confine.isolation_layers import IsolationLayers
from capsule.errors import PolicyError

NO_WALLS = IsolationLayers(0)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = Path(os.path.realpath(tmp_path))
    (place / "data" / "in").mkdir(parents=True)
    (place / "data" / "in" / "file").write_text("inside")
    (place / "data" / "link").symlink_to("in/file")
    (place / "outside").mkdir()
    (place / "outside" / "file").write_text("secret")
    return place


def test_a_copy_holds_files_folders_and_links_as_links(place: Path) -> None:
    os.mkfifo(place / "data" / "pipe")
    with readonly_copies.read_only(place / "data", NO_WALLS, nofollow=True) as copy:
        assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*")) == [
            "in",
            "in/file",
            "link",
        ]
        assert (copy / "in" / "file").read_text() == "inside"
        assert (copy / "link").readlink() == Path("in/file")
    assert not copy.exists()


def test_a_folder_behind_a_link_is_copied_where_links_are_the_users(place: Path) -> None:
    (place / "way").symlink_to("data")
    with readonly_copies.read_only(place / "way" / "in", NO_WALLS) as copy:
        assert (copy / "file").read_text() == "inside"


def test_no_copy_is_made_through_a_link_on_a_straight_path(place: Path) -> None:
    (place / "way").symlink_to("outside")
    with (
        pytest.raises(PolicyError, match=r"^/seen is only to be read, and cannot be copied"),
        readonly_copies.read_only(place / "way", NO_WALLS, "/seen", nofollow=True),
    ):
        pass


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
    with (
        pytest.raises(PolicyError, match="cannot be copied"),
        readonly_copies.read_only(place / "data", NO_WALLS, nofollow=True),
    ):
        pass


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
