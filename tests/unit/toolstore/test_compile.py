"""Compiling, with a compiler that does what a test says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore.compile import compile_interpreter, compile_module

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.toolstore.conftest import Bench, Watcher


@pytest.fixture
def wasmtime(bench: Bench) -> Path:
    return compiler(bench)


def compiler(bench: Bench, trouble: str = "") -> Path:
    path = bench.folder / "wasmtime"
    path.write_bytes(bench.program("49.0.3", trouble))
    path.chmod(0o755)
    return path


def test_a_module(wasmtime: Path, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "driver.cwasm"
    target.parent.mkdir()
    compile_module(wasmtime, b"\0asm", target)
    assert target.read_bytes() == b"compiled by 49.0.3 with -W exceptions=y,fuel=1\n\0asm"
    assert list(target.parent.iterdir()) == [target]


def test_a_module_that_is_refused(bench: Bench, tmp_path: Path) -> None:
    wasmtime = compiler(bench, "echo 'Error: bad magic' >&2; exit 1")
    target = tmp_path / "cache" / "driver.cwasm"
    target.parent.mkdir()
    target.write_bytes(b"the old one")
    with pytest.raises(ToolchainError) as caught:
        compile_module(wasmtime, b"nonsense", target)
    assert "it ended with status 1: Error: bad magic" in caught.value.message
    assert str(wasmtime) in caught.value.message
    assert target.read_bytes() == b"the old one"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_cannot_be_written(wasmtime: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolchainError, match=r"cannot write to .*file: Not a directory") as caught:
        compile_module(wasmtime, b"\0asm", tmp_path / "file" / "driver.cwasm")
    assert "CAPSULE_HOME" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("trouble", "says", "hint"),
    [
        ("kill -9 $$", "was killed by signal 9, perhaps for want of memory", "verify"),
        (
            "echo 'wasmtime: libc.so.6: version `GLIBC_2.28 not found' >&2; exit 1",
            "GLIBC_2.28",
            "CAPSULE_WASMTIME",
        ),
        ("echo 'libgcc_s.so.1: No such file' >&2; exit 127", "libgcc_s", "apk add libgcc"),
        ("echo 'No space left on device' >&2; exit 1", "No space left", "free 1 GB"),
    ],
)
def test_what_is_said_when_it_fails(
    bench: Bench, tmp_path: Path, trouble: str, says: str, hint: str
) -> None:
    with pytest.raises(ToolchainError) as caught:
        compile_module(compiler(bench, trouble), b"\0asm", tmp_path / "driver.cwasm")
    assert says in caught.value.message
    assert hint in str(caught.value.hint)


def test_a_compiler_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"cannot start .*nowhere: No such file"):
        compile_module(tmp_path / "nowhere", b"\0asm", tmp_path / "driver.cwasm")


def test_the_environment_is_empty(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "1")
    seen = tmp_path / "seen"
    compile_module(compiler(bench, f"/usr/bin/env > {seen}"), b"\0asm", tmp_path / "x.cwasm")
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert "RUST_BACKTRACE" in names
    assert names <= {"RUST_BACKTRACE", "PWD", "_", "SHLVL", "OLDPWD"}  # the last are the shell's


def test_the_interpreter_shows_how_long_it_goes_on(
    bench: Bench, watcher: Watcher, tmp_path: Path
) -> None:
    """The compiler waits until it has been seen to be at work."""
    fifo = tmp_path / "fifo"
    source, target = tmp_path / "core.wasm", tmp_path / "core.cwasm"
    source.write_bytes(b"\0asm")
    wasmtime = compiler(bench, f"/usr/bin/mkfifo {fifo}; read line < {fifo}")
    update = watcher.update

    def seen(done: float) -> None:
        update(done)
        if len(watcher.updates) == 1:
            fifo.write_text("go on\n")

    watcher.update = seen  # type: ignore[method-assign]
    begin = time.monotonic()
    compile_interpreter(wasmtime, source, target, "core", watcher)
    (step,) = watcher.steps
    assert (step.label, step.unit) == ("compiling the core interpreter", "seconds")
    assert step.total > 0
    assert 0 < watcher.updates[0] <= time.monotonic() - begin
    assert target.read_bytes().endswith(b"\0asm")
