"""Artifacts in files: what is no regular file, too large, or something else."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from capsule.artifact import read as reading
from capsule.artifact.contents import MAX_ARTIFACT
from capsule.artifact.errors import ArtifactError
from capsule.artifact.read import read
from tests.unit.artifact.forge import PARTS, artifact, driver, unsealed

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: Path) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        read(path)
    assert caught.value.hint
    return caught.value


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hello.wasm"
    file.write_bytes(artifact())
    assert unsealed(read(file)) == PARTS
    (tmp_path / "link").symlink_to(file)
    assert unsealed(read(tmp_path / "link")) == PARTS


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.wasm", "there is no such file"),
        ("file/below", "it cannot be read: Not a directory"),
        ("x" * 300, "it cannot be read: File name too long"),
        ("nul\0", "no file has such a name"),
        ("folder", "it is a folder"),
        ("pipe", "it is not a regular file"),
        ("loop", "it cannot be read"),
        ("dangling", "there is no such file"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    message = refusal(tmp_path / name).message
    assert message.startswith(str(tmp_path))
    assert reason in message


def test_a_file_that_turns_into_a_pipe_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hello.wasm"
    file.write_bytes(artifact())
    plain = os.open

    def swapping(path: Path, flags: int) -> int:
        file.unlink()
        os.mkfifo(file)
        return plain(path, flags)

    monkeypatch.setattr(os, "open", swapping)
    assert "not a regular file" in refusal(file).message


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.wasm"
    file.touch()
    os.truncate(file, MAX_ARTIFACT + 1)
    tracemalloc.start()
    try:
        message = refusal(file).message
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "it has 536,870,913 bytes; at most 536,870,912 may be" in message
    assert peak < 1_000_000


def test_many_bytes_are_refused_as_a_large_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ARTIFACT", 100)
    with pytest.raises(ArtifactError, match="at most 100 may be"):
        reading.read_bytes(bytes(101))


def test_a_file_that_grows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hello.wasm"
    file.write_bytes(artifact())
    plain = os.fstat

    def growing(descriptor: int) -> os.stat_result:
        status = plain(descriptor)
        with file.open("ab") as more:
            more.write(b"more")
        return status

    monkeypatch.setattr(os, "fstat", growing)
    assert "it changed while it was read" in refusal(file).message


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\x7fELF\x02\x01\x01\0", "it is not WebAssembly: it starts with b'\\x7fELF"),
        (b"\0asm", "it is cut off: it has only 4 bytes"),
        (b"\0asm\x0d\0\x01\0rest", "it is a WebAssembly component"),
        (b"\0asm\x02\0\0\0rest", "it is WebAssembly of another version"),
        (b"\0asm\x01\0\0\0", "it is a WebAssembly module without data"),
        (driver(), "it is a WebAssembly module, but not an exported task"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "other.wasm"
    file.write_bytes(data)
    assert refusal(file).message.startswith(f"{file}: {reason}")


def test_a_task_file_is_not_an_artifact(tmp_path: Path) -> None:
    file = tmp_path / "hello.py"
    file.write_text("print('hello')\n")
    error = refusal(file)
    assert "it is Python, not an exported task" in error.message
    assert error.hint == f"capsule run {file}"
    file.write_bytes(artifact())
    assert unsealed(read(file)) == PARTS


def test_a_name_cannot_move_the_cursor(tmp_path: Path) -> None:
    assert "\x1b" not in refusal(tmp_path / "a\x1b[2Jb").message
