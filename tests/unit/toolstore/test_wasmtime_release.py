"""Taking the program out of a release archive, which nobody vouches for."""

from __future__ import annotations

import io
import lzma
import os
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore import wasmtime_release
from capsule.toolstore.layout import WASMTIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = b"\x7fELF, more or less" * 1000
TOP = "wasmtime-v50.0.3-x86_64-linux"


def member(
    name: str, content: bytes = PROGRAM, kind: bytes = tarfile.REGTYPE
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return info, content


RELEASE = [
    member(TOP, b"", tarfile.DIRTYPE),
    member(f"{TOP}/LICENSE", b"words"),
    member(f"{TOP}/{WASMTIME}"),
    member(f"{TOP}/README.md", b"more words"),
    member(f"{TOP}/wasmtime-min", b"another program"),
]


def tar(
    path: Path, members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.GNU_FORMAT
) -> Path:
    with tarfile.open(path, "w:xz", format=form, preset=0) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refused(file: Path, tmp_path: Path) -> str:
    with pytest.raises(ToolchainError) as caught:
        wasmtime_release.unpack(file, tmp_path / "target")
    assert str(file) in caught.value.message
    assert "wasmtime-vX.Y.Z" in str(caught.value.hint)
    return caught.value.message


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_release_for_unix(tmp_path: Path, form: int) -> None:
    members = [*RELEASE, member(f"{TOP}/{'long/' * 60}é", b"a long name")]
    if form == tarfile.USTAR_FORMAT:
        members.pop()
    wasmtime_release.unpack(tar(tmp_path / "x.tar.xz", members, form), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == PROGRAM


def test_a_release_for_windows(tmp_path: Path) -> None:
    members = {f"{TOP}/LICENSE": b"words", f"{TOP}/{WASMTIME}": PROGRAM, f"{TOP}/min.exe": b"x"}
    wasmtime_release.unpack(zipped(tmp_path / "x.zip", members), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == PROGRAM


def test_a_program_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "wasmtime"
    file.write_bytes(PROGRAM)
    wasmtime_release.unpack(file, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == PROGRAM


def test_nothing_else_is_written(tmp_path: Path) -> None:
    members = [member("../outside", b"x"), member("/tmp/capsule-absolute", b"x"), *RELEASE]
    folder = tmp_path / "folder"
    folder.mkdir()
    wasmtime_release.unpack(tar(tmp_path / "x.tar.xz", members), folder / "target")
    assert [path.name for path in folder.iterdir()] == ["target"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "x.tar.xz"]


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "it has no FOLDER/wasmtime"),
        ([member(WASMTIME)], "it has no FOLDER/"),
        ([member(f"a/b/{WASMTIME}")], "it has no FOLDER/"),
        ([member(f"../{WASMTIME}/x")], "it has no FOLDER/"),
        ([member(f"a/{WASMTIME}", b"", tarfile.SYMTYPE)], "is a link, or no plain file"),
        ([member(f"a/{WASMTIME}", b"", tarfile.LNKTYPE)], "is a link, or no plain file"),
        ([member(f"a/{WASMTIME}", b"", tarfile.FIFOTYPE)], "is a link, or no plain file"),
        ([member(f"a/{WASMTIME}", PROGRAM, tarfile.GNUTYPE_SPARSE)], "is a link, or no plain file"),
        ([member(f"a/{WASMTIME}"), member(f"b/{WASMTIME}")], "it has two programs"),
        (
            [member("long", bytes(2 << 20), tarfile.GNUTYPE_LONGNAME)],
            "is no file and has 2,097,152",
        ),
    ],
)
def test_archives_that_are_no_release(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], says: str
) -> None:
    assert says in refused(tar(tmp_path / "x.tar.xz", members), tmp_path)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def not_a_tar(data: bytes) -> bytes:
    return lzma.compress(b"no tar at all " * 1000)


@pytest.mark.parametrize("how", [cut, flipped, not_a_tar])
def test_a_damaged_tar(tmp_path: Path, how: Callable[[bytes], bytes]) -> None:
    file = tar(tmp_path / "x.tar.xz", RELEASE)
    file.write_bytes(how(file.read_bytes()))
    assert "it is damaged" in refused(file, tmp_path)


def test_one_that_is_cut_behind_the_program(tmp_path: Path) -> None:
    """The checks of xz stand at the end, so it is read to there."""
    file = tar(tmp_path / "x.tar.xz", RELEASE)
    file.write_bytes(file.read_bytes()[:-12])
    assert "it ends too soon" in refused(file, tmp_path)


def test_what_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime_release, "_UNPACKED", 4 << 20)
    file = tar(tmp_path / "x.tar.xz", [member("a/bomb", bytes(8 << 20)), *RELEASE])
    assert "it unpacks to over 4,194,304 bytes" in refused(file, tmp_path)


def test_a_program_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime_release, "_PROGRAM", 1000)
    assert "its program has over 1,000 bytes" in refused(
        tar(tmp_path / "x.tar.xz", RELEASE), tmp_path
    )
    (tmp_path / "target").unlink(missing_ok=True)
    file = zipped(tmp_path / "x.zip", {f"a/{WASMTIME}": PROGRAM})
    assert "its program has over 1,000 bytes" in refused(file, tmp_path)
    plain = tmp_path / "wasmtime"
    plain.write_bytes(PROGRAM)
    assert f"it has {len(PROGRAM):,} bytes, none has over 1,000" in refused(plain, tmp_path)


def test_an_archive_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime_release, "_ARCHIVE", 100)
    assert "none has over 100" in refused(tar(tmp_path / "x.tar.xz", RELEASE), tmp_path)


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime_release, "_MEMBERS", 4)
    assert "it has over 4 members" in refused(tar(tmp_path / "x.tar.xz", RELEASE), tmp_path)


def test_xz_that_takes_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime_release, "_XZ_MEMORY", 1 << 16)
    assert "it is damaged: Memory usage limit" in refused(
        tar(tmp_path / "x.tar.xz", RELEASE), tmp_path
    )


def test_zips_that_are_no_release(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    assert "it has no FOLDER/" in refused(zipped(file, {"a/README": b"x"}), tmp_path)
    assert "packed in way 14" in refused(
        zipped(file, {f"a/{WASMTIME}": PROGRAM}, zipfile.ZIP_LZMA), tmp_path
    )
    assert "a path that leads out" in refused(zipped(file, {"../x": b"x"}), tmp_path)
    link = zipfile.ZipInfo(f"a/{WASMTIME}")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "a symlink" in refused(file, tmp_path)
    file.write_bytes(zipped(file, {f"a/{WASMTIME}": PROGRAM}).read_bytes()[:-30])
    assert "a damaged zip" in refused(file, tmp_path)


def test_a_zip_with_a_long_table_of_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wasmtime_release, "_CONTENTS", 1000)
    file = zipped(tmp_path / "x.zip", {f"a/{number}": b"" for number in range(100)})
    assert "its table of contents is larger" in refused(file, tmp_path)


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "no file that is there" in refused(tmp_path, tmp_path / "other")
    assert "no file that is there" in refused(tmp_path / "nowhere", tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "no file that is there" in refused(tmp_path / "pipe", tmp_path)
