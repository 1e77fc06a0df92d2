"""Folders of unpacked packages: found again, and found damaged."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from capsule.packages import package_store
from capsule.packages.package_store import Damage, digest_of, finish, look
from capsule.packages.unpack import unpack
from capsule.packages.wheel import read
from capsule.toolstore import files
from tests.unit.packages.conftest import build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, str]:
    """A folder with the files of one wheel, and its digest."""
    folder = tmp_path / "kept"
    site = folder / package_store.SITE
    site.mkdir(parents=True)
    files = {"thing/__init__.py": b"1", "thing/deep/er.py": b"2"}
    written = unpack([read(build(tmp_path, "thing", files=files))], site)
    finish(folder, written)
    return folder, digest_of(written)


def change(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def test_as_it_was_made(kept: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, digest = kept
    monkeypatch.setattr(package_store, "_hashed", lambda _: pytest.fail("it was hashed again"))
    assert look(folder, digest) == folder / "site"


def test_nothing_is_there(tmp_path: Path) -> None:
    assert look(tmp_path / "nothing", "00") is None


def test_the_digest_does_not_know_the_machine(tmp_path: Path) -> None:
    """A change of this value makes everything be fetched again."""
    files = {"b.py": (1, "00"), "a/c.py": (2, "11")}
    assert digest_of(files) == digest_of(dict(sorted(files.items())))
    assert digest_of(files) == ("61012ee3c42197c7324bd23d20b2cd17454b55fff2abd3318ca6b70d33ab59a5")
    assert digest_of({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_of({"b.py": (1, "00"), "a/c.py": (2, "12")}) != digest_of(files)


def test_a_copy_is_as_good(kept: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, digest = kept
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    assert look(copy, digest) == copy / "site"
    # It was hashed once; the stamp is its own from then on.
    monkeypatch.setattr(package_store, "_hashed", lambda _: pytest.fail("it was hashed again"))
    assert look(copy, digest) == copy / "site"


def test_a_changed_file_is_named(kept: tuple[Path, str]) -> None:
    folder, digest = kept
    path = folder / "site/thing/deep/er.py"
    status = path.stat()
    change(path, b"3")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = look(folder, digest)
    assert isinstance(found, Damage)
    assert found.path == path
    assert found.found.startswith("1 bytes, SHA-256 4e07408562be")


def test_a_file_that_is_gone_is_named(kept: tuple[Path, str]) -> None:
    folder, digest = kept
    path = folder / "site/thing/__init__.py"
    path.unlink()
    assert look(folder, digest) == Damage(path, "it is gone")


def test_a_file_that_was_added_is_named(kept: tuple[Path, str]) -> None:
    folder, digest = kept
    path = folder / "site/thing/extra.py"
    path.write_bytes(b"")
    assert look(folder, digest) == Damage(path, "nothing is known of it")


@pytest.mark.parametrize("target", ["/etc/passwd", "."])
def test_a_link_in_place_of_a_file_is_named(kept: tuple[Path, str], target: str) -> None:
    folder, digest = kept
    path = folder / "site/thing/__init__.py"
    path.unlink()
    path.symlink_to(target)
    assert look(folder, digest) == Damage(path, "0 bytes, SHA-256 of no file...")


def test_a_link_to_the_same_bytes_is_named(kept: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = kept
    path = folder / "site/thing/__init__.py"
    path.rename(tmp_path / "elsewhere.py")
    path.symlink_to(tmp_path / "elsewhere.py")
    assert isinstance(look(folder, digest), Damage)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"a": 1}', b'{"a": [1]}', b'{"a": ["x", "y"]}', b"{}", b"[" * 100_000],
)
def test_an_index_that_cannot_be_believed(kept: tuple[Path, str], data: bytes) -> None:
    folder, digest = kept
    change(folder / "stamp", b"another")
    change(folder / "index.json", data)
    found = look(folder, digest)
    assert isinstance(found, Damage)
    assert found.path == folder / "index.json"


@pytest.mark.parametrize("name", ["index.json", "site"])
def test_parts_that_are_gone(kept: tuple[Path, str], name: str) -> None:
    folder, digest = kept
    (folder / "stamp").unlink()
    (folder / name).rename(folder.with_name("away"))
    found = look(folder, digest)
    assert found == Damage(folder / name, "it is gone")


def test_a_stamp_that_cannot_be_written_is_no_trouble(
    kept: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, digest = kept
    (folder / "stamp").unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_whole", full)
    assert look(folder, digest) == folder / "site"
