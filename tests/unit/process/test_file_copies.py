"""Files that are mounted: copies for a run, and what comes back of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from capsule.confine.scratch import Scratch
from capsule.errors import PolicyError
from capsule.process.argv import Mount
from capsule.process.file_copies import copied

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("before")
    path.chmod(0o640)
    return path


def mount(file: Path, guest: str = "/given/in.csv", *, writable: bool = True) -> Mount:
    return Mount(file, guest, writable, nofollow=True, is_file=True)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    (tmp_path / "scratch" / "working").mkdir(parents=True)
    return Scratch(tmp_path / "scratch")


def test_what_was_written_is_copied_back_with_the_modes_it_had(
    file: Path, scratch: Scratch
) -> None:
    with copied([mount(file)], scratch) as [shown]:
        assert (shown.guest, shown.writable) == ("/given", True)
        assert (shown.host / "in.csv").read_text() == "before"
        (shown.host / "in.csv").write_text("after")
        assert file.read_text() == "before"
        assert scratch.settle() == []
        assert file.read_text() == "after"
    assert file.stat().st_mode & 0o777 == 0o640
    assert not shown.host.exists()
    assert sorted(file.parent.iterdir()) == [file, scratch.path]


def test_what_was_replaced_is_copied_back(file: Path, scratch: Scratch) -> None:
    with copied([mount(file)], scratch) as [shown]:
        (shown.host / "new").write_text("after")
        (shown.host / "new").replace(shown.host / "in.csv")
        scratch.settle()
    assert file.read_text() == "after"


def test_the_file_stays_as_it_is_where_nothing_was_written(file: Path, scratch: Scratch) -> None:
    before = file.stat()
    with copied([mount(file)], scratch):
        file.write_text("by another")
        assert scratch.settle() == []
    assert file.read_text() == "by another"
    assert file.stat().st_ino == before.st_ino


@pytest.mark.parametrize("act", ["delete", "link", "folder"])
def test_what_is_no_file_any_more_changes_nothing(file: Path, scratch: Scratch, act: str) -> None:
    secret = file.parent / "secret"
    secret.write_text("secret")
    with copied([mount(file)], scratch) as [shown]:
        copy = shown.host / "in.csv"
        copy.unlink()
        if act == "link":
            copy.symlink_to(secret)
        if act == "folder":
            copy.mkdir()
        scratch.settle()
    assert file.read_text() == "before"


def test_what_may_only_be_read_is_never_copied_back(file: Path, scratch: Scratch) -> None:
    with copied([mount(file, writable=False)], scratch) as [shown]:
        assert not shown.writable
        assert shown.host.stat().st_mode & 0o222 == 0
        (shown.host / "in.csv").chmod(0o600)
        (shown.host / "in.csv").write_text("after")
        assert scratch.settle() == []
    assert file.read_text() == "before"


def test_files_of_one_folder_are_in_one(file: Path, scratch: Scratch) -> None:
    files = [
        mount(file, "/in/a.csv", writable=False),
        mount(file, "/in/b.csv"),
        mount(file, "/other/c.csv", writable=False),
    ]
    with copied(files, scratch) as shown:
        assert [(one.guest, one.writable) for one in shown] == [("/in", True), ("/other", False)]
        assert sorted(os.listdir(shown[0].host)) == ["a.csv", "b.csv"]
        assert (shown[0].host / "a.csv").stat().st_mode & 0o222 == 0


def test_files_at_the_top_are_in_the_working_folder(file: Path, scratch: Scratch) -> None:
    with copied([mount(file, "/a.csv"), mount(file, "/b.csv", writable=False)], scratch) as shown:
        assert shown == ()
        assert sorted(os.listdir(scratch.working)) == ["a.csv", "b.csv"]
        (scratch.working / "a.csv").write_text("after")
        assert scratch.settle() == []
    assert file.read_text() == "after"


def test_a_file_that_is_gone_or_closed_is_named(file: Path, scratch: Scratch) -> None:
    file.unlink()
    with pytest.raises(
        PolicyError, match=r"in.csv cannot be copied for /given/in.csv: No such file"
    ):
        copied([mount(file)], scratch).__enter__()


def test_no_link_is_followed_that_was_put_in_its_place(file: Path, scratch: Scratch) -> None:
    secret = file.parent / "secret"
    secret.write_text("secret")
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(PolicyError, match=r"in.csv cannot be copied for /given/in.csv"):
        copied([mount(file)], scratch).__enter__()
    file.unlink()
    file.write_text("before")
    with copied([mount(file)], scratch) as [shown]:
        (shown.host / "in.csv").write_text("after")
        file.unlink()
        file.symlink_to(secret)
        [said] = scratch.settle()
        assert "it was moved while the run went on" in said
    assert secret.read_text() == "secret"


def test_what_cannot_be_written_back_is_said(file: Path, scratch: Scratch) -> None:
    with copied([mount(file)], scratch) as [shown]:
        (shown.host / "in.csv").write_text("after")
        file.unlink()
        file.mkdir()
        [said] = scratch.settle()
        assert "in.csv cannot be written back: " in said
        assert scratch.settle() == []


def test_what_is_added_counts(file: Path, scratch: Scratch) -> None:
    with copied([mount(file)], scratch) as [shown]:
        scratch.next_look = 0
        assert scratch.overflow(os.getpid()) is None
        with (shown.host / "in.csv").open("wb") as large:
            large.truncate(330 << 20)
        scratch.next_look = 0
        assert "hold more than 256 MB" in (scratch.overflow(os.getpid()) or "")


def test_a_file_that_was_changed_meanwhile_stays_and_that_is_said(
    file: Path, scratch: Scratch
) -> None:
    with copied([mount(file)], scratch) as [shown]:
        (shown.host / "in.csv").write_text("after")
        file.write_text("by another")
        [said] = scratch.settle()
    assert "was changed by another" in said
    assert file.read_text() == "by another"


def test_other_names_of_a_file_see_what_was_written(
    file: Path, scratch: Scratch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.hardlink_to(file)
    with copied([mount(file)], scratch) as [shown]:
        (shown.host / "in.csv").write_text("after")
        assert scratch.settle() == []
    assert (file.read_text(), other.read_text()) == ("after", "after")
