"""Archives from hostile hands: nothing but the members that were asked for, at their sizes."""

from __future__ import annotations

import hashlib
import stat
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore.extract import opened, take
from capsule.toolstore.pins import Member

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"0123456789" * 1000


def member(path: str = "pkg/file", content: bytes = CONTENT) -> Member:
    return Member(path, len(content), hashlib.sha256(content).hexdigest())


def archive(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "some.whl"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of a second file of one name
        for name, content in entries:
            target.writestr(name, content)
    return path


def extracted(path: Path, wanted: Member) -> bytes:
    target = path.with_name("target")
    with opened(path, hint="do this") as found:
        take(found, wanted, target, hint="do this")
    return target.read_bytes()


def refused(path: Path, wanted: Member) -> str:
    with pytest.raises(ToolchainError) as caught:
        extracted(path, wanted)
    assert caught.value.hint == "do this"
    return caught.value.message


def test_a_member_is_taken_and_the_rest_is_left(tmp_path: Path) -> None:
    path = archive(tmp_path, ("pkg/other", b"x"), ("pkg/file", CONTENT))
    assert extracted(path, member()) == CONTENT
    assert {file.name for file in tmp_path.iterdir()} == {"some.whl", "target"}


def test_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    pieces: list[int] = []
    with opened(archive(tmp_path, ("pkg/file", CONTENT)), hint="") as found:
        take(found, member(), tmp_path / "target", hint="", moved=pieces.append)
    assert sum(pieces) == len(CONTENT)


@pytest.mark.parametrize(
    "name", ["../escape", "/etc/passwd", "a/../../b", "C:/x", "a\\..\\b", "a//b", "./a"]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    message = refused(archive(tmp_path, ("pkg/file", CONTENT), (name, b"")), member())
    assert "a path that leads out of its folder" in message
    assert repr(name) in message
    assert not (tmp_path / "target").exists()


def test_a_symlink_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("pkg/file")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    message = refused(archive(tmp_path, (link, b"/etc/passwd")), member())
    assert "a symlink: 'pkg/file'" in message


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, ("pkg/file", CONTENT), ("pkg/file", b"other"))
    assert "two files of one name: 'pkg/file'" in refused(path, member())


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, ("pkg/file", CONTENT))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # the flags in the table of contents
    path.write_bytes(content)
    assert "an encrypted file: 'pkg/file'" in refused(path, member())


def test_a_member_of_another_size_is_not_read(tmp_path: Path) -> None:
    path = archive(tmp_path, ("pkg/file", CONTENT + b"more"))
    assert "expected 10,000 bytes, found 10,004" in refused(path, member())
    assert not (tmp_path / "target").exists()


def test_a_member_that_lies_about_its_size(tmp_path: Path) -> None:
    """The table of contents says 10,000 bytes, and so does the pin; the data goes on."""
    bomb = CONTENT + bytes(5_000_000)
    path = archive(tmp_path, ("pkg/file", bomb))
    content = bytearray(path.read_bytes())
    table = content.rindex(b"PK\x01\x02")
    content[table + 24 : table + 28] = len(CONTENT).to_bytes(4, "little")
    path.write_bytes(content)
    refused(path, member())
    assert (tmp_path / "target").stat().st_size <= len(CONTENT)


def test_a_member_of_another_content(tmp_path: Path) -> None:
    wanted = member(content=CONTENT[::-1])
    message = refused(archive(tmp_path, ("pkg/file", CONTENT)), wanted)
    assert f"expected SHA-256 {wanted.sha256}, found {member().sha256}" in message


def test_a_missing_member(tmp_path: Path) -> None:
    assert "pkg/file in" in refused(archive(tmp_path, ("pkg/other", b"")), member())


def test_damaged_data(tmp_path: Path) -> None:
    path = archive(tmp_path, ("pkg/file", CONTENT))
    content = bytearray(path.read_bytes())
    content[45:60] = bytes(15)
    path.write_bytes(content)
    assert "some.whl is damaged" in refused(path, member())


@pytest.mark.parametrize("left", [0, 10, 100, 5_000])
def test_a_truncated_archive(tmp_path: Path, left: int) -> None:
    path = archive(tmp_path, ("pkg/file", bytes(range(256)) * 40), ("pkg/other", b"x" * 10_000))
    content = path.read_bytes()
    path.write_bytes(content[: min(left, len(content) - 20)])
    assert "some.whl is damaged" in refused(path, member())


def test_no_archive_at_all(tmp_path: Path) -> None:
    path = tmp_path / "some.whl"
    path.write_bytes(b"#!/bin/sh\n" * 1000)
    assert "is damaged: File is not a zip file" in refused(path, member())
