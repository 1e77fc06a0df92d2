"""Wheels laid out like site-packages, and wheels that want something else."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.packages import unpack as module
from capsule.packages import wheel
from capsule.packages.unpack import unpack
from tests.unit.packages.conftest import build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def written(site: Path) -> dict[str, bytes]:
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in site.rglob("*")
        if not path.is_dir()
    }


def test_two_wheels(tmp_path: Path, site: Path) -> None:
    one = {
        "one/__init__.py": b"1",
        "one/__pycache__/x.pyc": b"",
        "one-1.0.data/purelib/one/more.py": b"more",
        "one-1.0.data/scripts/one": b"#!python",
        "shared/__init__.py": b"",
    }
    wheels = [
        wheel.read(build(tmp_path, "one", files=one)),
        wheel.read(
            build(tmp_path, "two", files={"shared/__init__.py": b"", "shared/two.py": b"2"})
        ),
    ]
    content = unpack(wheels, site)
    found = written(site)
    assert {path for path in found if "dist-info" not in path} == {
        *("one/__init__.py", "one/more.py", "shared/__init__.py", "shared/two.py")
    }
    assert {path for path in found if path.startswith("two-1.0.dist-info/")} == {
        f"two-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")
    }
    assert content == {
        path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in found.items()
    }
    assert {stat.S_IMODE((site / path).stat().st_mode) for path in found} == {0o444}


def test_two_wheels_that_disagree(tmp_path: Path, site: Path) -> None:
    wheels = [
        wheel.read(build(tmp_path, name, files={"shared.py": name.encode()}))
        for name in ("one", "two")
    ]
    with pytest.raises(UsageError) as caught:
        unpack(wheels, site)
    assert caught.value.message == ("one 1.0 and two 1.0 both bring 'shared.py', and not the same")


def entry(name: str, mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = method
    return info


@pytest.mark.parametrize(
    ("name", "mode", "problem"),
    [
        ("../outside.py", 0, "'../outside.py' leads out of its folder"),
        ("/outside.py", 0, "leads out of its folder"),
        ("a/../../outside.py", 0, "leads out of its folder"),
        ("thing-1.0.data/purelib/../../../outside.py", 0, "leads out of its folder"),
        ("C:/outside.py", 0, "has signs"),
        ("..\\outside.py", 0, "has signs"),
        ("link.py", stat.S_IFLNK | 0o777, "'link.py' is a link or a device"),
        ("pipe", stat.S_IFIFO | 0o666, "is a link or a device"),
        ("folder", stat.S_IFDIR | 0o777, "is a link or a device"),
        ("THING.py", 0, "differs only in case from 'thing.py'"),
        ("thing.py/inside.py", 0, "lies below a file of thing 1.0"),
    ],
)
def test_hostile_members(tmp_path: Path, site: Path, name: str, mode: int, problem: str) -> None:
    path = build(tmp_path, "thing", members=[(entry(name, mode), b"../outside")])
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(site)}
    with pytest.raises(UsageError) as caught:
        unpack([wheel.read(path)], site)
    assert caught.value.message.startswith("thing-1.0-py3-none-any.whl is refused: ")
    assert problem in caught.value.message
    assert {path for path in tmp_path.rglob("*") if not path.is_relative_to(site)} == before
    assert not any(path.is_symlink() for path in site.rglob("*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(tmp_path: Path, site: Path) -> None:
    path = build(tmp_path, "thing", members=[("thing.py", b"another")])
    with pytest.raises(UsageError, match=r"'thing\.py' is there twice"):
        unpack([wheel.read(path)], site)


def test_an_unusual_packing(tmp_path: Path, site: Path) -> None:
    path = build(tmp_path, "thing")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry("odd.py", method=zipfile.ZIP_LZMA), b"x", zipfile.ZIP_LZMA)
    with pytest.raises(UsageError, match="is encrypted or packed in an unusual way"):
        unpack([wheel.read(path)], site)


def test_an_encrypted_member(tmp_path: Path, site: Path) -> None:
    path = build(tmp_path, "thing")
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is encrypted"):
        unpack([wheel.read(path)], site)


def test_damaged_content(tmp_path: Path, site: Path) -> None:
    path = build(tmp_path, "thing", files={"thing.py": b"abc" * 1000})
    content = bytearray(path.read_bytes())
    at = content.index(b"thing.py") + len(b"thing.py")
    content[at + 3] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UsageError, match="it is damaged"):
        unpack([wheel.read(path)], site)


def test_a_bomb(tmp_path: Path, site: Path) -> None:
    path = build(tmp_path, "thing", files={"zeros": bytes(40 << 20)})
    with pytest.raises(UsageError, match=r"it grows from [\d,]+ to 41,943,\d+ bytes"):
        unpack([wheel.read(path)], site)
    assert written(site) == {}


def test_over_the_size_of_all(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 20)
    names = ("one", "two")
    wheels = [
        wheel.read(build(tmp_path, name, files={f"{name}.bin": bytes(600_000)})) for name in names
    ]
    with pytest.raises(UsageError, match=r"with two 1\.0, the packages of the task are over 1 MB"):
        unpack(wheels, site)
    assert not (site / "two.bin").exists()


def test_over_the_number_of_files(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 5)
    wheels = [wheel.read(build(tmp_path, name)) for name in ("one", "two")]
    with pytest.raises(UsageError, match="or 5 files"):
        unpack(wheels, site)
