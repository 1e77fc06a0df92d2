"""What a wheel says of itself, and wheels that are no pure Python or no wheels at all."""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.packages import wheel
from tests.unit.packages.conftest import build

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pure_wheel(tmp_path: Path) -> None:
    path = build(tmp_path, "Some.Thing", requires=["Other_One[x]>=2; os_name == 'posix'", "more"])
    found = wheel.read(path)
    assert (found.path, found.name, found.version) == (path, "some-thing", "1.0")
    assert found.label == "some-thing 1.0"
    assert [str(each) for each in found.requires] == [
        'other-one[x]>=2; os_name == "posix"',
        "more",
    ]


def test_a_wheel_for_old_and_new(tmp_path: Path) -> None:
    assert wheel.read(build(tmp_path, "thing", tag="py2.py3-none-any")).name == "thing"


def test_metadata_in_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing-1.0.dist-info/WHEEL", "Root-Is-Purelib: TRUE \n")
        archive.writestr(
            "thing-1.0.dist-info/METADATA",
            b"Name: thing\nAuthor: Andr\xe9\nRequires-Dist: more\n\nRequires-Dist: body\n",
        )
    assert [str(each) for each in wheel.read(path).requires] == ["more"]


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        ({"tag": "cp315-cp315-manylinux_2_28_x86_64"}, "needs a native extension"),
        ({"tag": "py3-none-linux_x86_64"}, "needs a native extension"),
        ({"tag": "cp315-abi3-any"}, "needs a native extension"),
        ({"tag": "cp315-none-any"}, "needs a native extension"),
        ({"tag": "py3-none-any.win_amd64"}, "needs a native extension"),
        ({"purelib": "false"}, "needs a native extension, by its own"),
        ({"purelib": ""}, "needs a native extension, by its own"),
        ({"files": {"thing/_fast.so": b""}}, "it holds 'thing/_fast.so'"),
        ({"files": {"thing/_fast.cpython-315-darwin.so": b""}}, "needs a native extension"),
        ({"files": {"thing/lib/libz.so.1.3": b""}}, "it holds 'thing/lib/libz.so.1.3'"),
        ({"files": {"thing/_fast.PYD": b""}}, "needs a native extension"),
        ({"files": {"thing/a.dll": b""}}, "needs a native extension"),
        ({"files": {"thing-1.0.data/platlib/a.dylib": b""}}, "needs a native extension"),
        ({"files": {"other-1.0.dist-info/METADATA": b""}}, "it has 2 .dist-info folders"),
        ({"requires": ["more @ https://host/more.whl"]}, "thing 1.0 requires: 'more @ https"),
        ({"requires": ["more @ file:///more.whl"]}, "is fetched from an address"),
        ({"requires": ["--index-url=https://host"]}, "is an option"),
        ({"requires": ["./more"]}, "is a path"),
        ({"requires": ["more>>1"]}, "is no requirement"),
        ({"requires": ["more"] * 2001}, "it requires 2001 packages"),
        ({"headers": ["X: " + "x" * (4 << 20)]}, "METADATA' has 4,194,"),
    ],
)
def test_refused(tmp_path: Path, details: dict[str, object], problem: str) -> None:
    path = build(tmp_path, "thing", **details)  # type: ignore[arg-type]
    with pytest.raises(UsageError) as caught:
        wheel.read(path)
    assert problem in caught.value.message
    assert "thing" in caught.value.message


def test_the_name_of_no_wheel(tmp_path: Path) -> None:
    path = build(tmp_path, "thing").rename(tmp_path / "thing.whl")
    with pytest.raises(UsageError, match=r"thing\.whl is refused: its name is no wheel's"):
        wheel.read(path)


def test_metadata_of_another(tmp_path: Path) -> None:
    path = build(tmp_path, "thing").rename(tmp_path / "other-1.0-py3-none-any.whl")
    with pytest.raises(UsageError, match=r"its metadata is in 'thing-1\.0\.dist-info'"):
        wheel.read(path)


@pytest.mark.parametrize("missing", ["METADATA", "WHEEL"])
def test_without_metadata(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in {"METADATA", "WHEEL"} - {missing}:
            archive.writestr(f"thing-1.0.dist-info/{name}", "Root-Is-Purelib: true\nName: thing\n")
    with pytest.raises(UsageError, match=f"it has no 'thing-1.0.dist-info/{missing}'"):
        wheel.read(path)


def test_metadata_that_names_another(tmp_path: Path) -> None:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing-1.0.dist-info/WHEEL", "Root-Is-Purelib: true\n")
        archive.writestr("thing-1.0.dist-info/METADATA", "Name: other\n")
    with pytest.raises(UsageError, match="its METADATA is that of 'other'"):
        wheel.read(path)


@pytest.mark.parametrize("size", [0, 10, 100])
def test_no_zip(tmp_path: Path, size: int) -> None:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    path.write_bytes(b"x" * size)
    with pytest.raises(UsageError, match="is refused: it is no"):
        wheel.read(path)


def test_a_damaged_zip(tmp_path: Path) -> None:
    path = build(tmp_path, "thing")
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at : at + 4] = b"PKxx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="it is damaged"):
        wheel.read(path)


def test_a_zip_with_a_comment(tmp_path: Path) -> None:
    """A second end could hide in a comment."""
    path = build(tmp_path, "thing")
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"a comment"
    with pytest.raises(UsageError, match="it is no plain zip"):
        wheel.read(path)


@pytest.mark.parametrize("lie", ["entries", "table", "zip64"])
def test_a_large_table_of_contents_is_not_read(
    tmp_path: Path, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build(tmp_path, "thing")
    content = path.read_bytes()
    end = list(struct.unpack("<4s4H2LH", content[-22:]))
    if lie == "entries":
        end[3] = end[4] = 50_001
    elif lie == "table":
        end[5] = (16 << 20) + 1
    middle = b"PK\x06\x07" + bytes(16) if lie == "zip64" else b""
    path.write_bytes(content[:-22] + middle + struct.pack("<4s4H2LH", *end))
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(UsageError, match="it has too many files; allowed: 20,000"):
        wheel.read(path)
