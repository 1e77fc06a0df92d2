"""The memory of a compiled image is read where it lies in the file."""

from __future__ import annotations

import gc
import os
import struct
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.snapshot import image_contents
from capsule.snapshot.changed_pages import PAGE, STACK_TOP
from capsule.snapshot.image_contents import ImageContents

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"a" * PAGE + b"b" * PAGE


def image(path: Path, data: bytes = DATA) -> Path:
    """An ELF file with one section of data, as wasmtime writes it among others."""
    names = b"\0.rodata.wasm\0"
    begin = 64 + len(data) + len(names)
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01", 0, 0, 0, 0, 0, begin, 0, 0, 0, 0, 64, 2, 1
    )
    sections = [
        struct.pack("<IIQQQQIIQQ", 1, 0, 0, 0, 64, len(data), 0, 0, 0, 0),
        struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 64 + len(data), len(names), 0, 0, 0, 0),
    ]
    path.write_bytes(head + data + names + b"".join(sections))
    return path


def test_what_lies_behind_the_end_is_zero(tmp_path: Path) -> None:
    contents = ImageContents(image(tmp_path / "image"))
    assert contents.size == len(DATA)
    assert contents.read(STACK_TOP + PAGE - 1, 2) == b"ab"
    assert contents.read(STACK_TOP + 2 * PAGE - 1, 3) == b"b\0\0"
    assert contents.read(STACK_TOP + 9 * PAGE, 2) == b"\0\0"
    contents.close()
    contents.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        contents.read(STACK_TOP, 1)


@pytest.mark.parametrize("pread", ["_pread", "_pread_by_seek"])
def test_a_reader_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pread: str
) -> None:
    """With the call of this system, and with what stands in for it on Windows."""
    monkeypatch.setattr(image_contents, "_pread", getattr(image_contents, pread))
    contents = ImageContents(image(tmp_path / "image"))
    read = contents.reader(PAGE)
    for at, length, expected in (
        (PAGE - 1, 2, b"ab"),
        (PAGE, PAGE, b"b" * PAGE),
        (0, 2 * PAGE, DATA),
        (2 * PAGE - 1, 3, b"b\0\0"),
        (9 * PAGE, 2, b"\0\0"),
    ):
        assert read(STACK_TOP + at, length)[:length] == expected
        assert contents.read(STACK_TOP + at, length) == expected
    contents.close()
    for which in (read, contents.read):
        with pytest.raises(OSError, match="Bad file descriptor"):
            which(STACK_TOP, 1)


def test_a_file_that_became_shorter_is_no_memory_of_zeros(tmp_path: Path) -> None:
    path = image(tmp_path / "image")
    contents = ImageContents(path)
    os.truncate(path, 64 + PAGE)
    with pytest.raises(ToolchainError, match="no longer whole"):
        contents.read(STACK_TOP, 2 * PAGE)


def test_whoever_lets_go_of_it_closes_it(tmp_path: Path) -> None:
    contents = ImageContents(image(tmp_path / "image"))
    handle = contents._file
    os.fstat(handle)
    del contents
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF\x02\x01" + bytes(80)])
def test_what_is_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(ToolchainError, match="is no compiled memory"):
        ImageContents(tmp_path / "image")
