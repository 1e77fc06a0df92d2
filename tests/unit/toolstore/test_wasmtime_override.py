"""Another wasmtime, by CAPSULE_WASMTIME."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore import wasmtime_override
from capsule.toolstore.layout import named_wasmtime
from capsule.toolstore.platform_tag import Machine

if TYPE_CHECKING:
    from tests.unit.toolstore.conftest import Bench


def program(bench: Bench, text: str | bytes, name: str = "mine") -> Path:
    path = bench.folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o755)
    return path


def test_a_newer_one_is_used_and_compiled_for(bench: Bench) -> None:
    pinned = bench.open()
    bench.work()
    mine = program(bench, bench.program("50.1.2"))
    found = bench.open(environ={"CAPSULE_WASMTIME": str(mine)})
    assert found.wasmtime == mine
    assert found.interpreter.name.startswith("core-")
    assert found.interpreter.read_bytes().startswith(b"compiled by 50.1.2")
    assert found.identity != pinned.identity
    assert found.portable == pinned.portable
    assert bench.work() == ["compile core.wasm"]
    # And the pinned one is as it was.
    assert bench.open() == pinned
    assert bench.work() == []


def test_it_is_asked_for_its_version_once(bench: Bench) -> None:
    asked = bench.folder / "asked"
    text = bench.program("48.0.0").replace(b"\n", f"\necho x >> {asked}\n".encode(), 1)
    environ = {"CAPSULE_WASMTIME": str(program(bench, text))}
    first = bench.open(environ=environ)
    times = asked.read_text().count("x")
    assert bench.open(environ=environ) == first
    assert asked.read_text().count("x") == times


def test_another_binary_of_the_same_name_is_asked_again(bench: Bench) -> None:
    mine = program(bench, bench.program("50.0.0"))
    environ = {"CAPSULE_WASMTIME": str(mine)}
    first = bench.open(environ=environ)
    program(bench, bench.program("51.0.0"))
    second = bench.open(environ=environ)
    assert second.interpreter != first.interpreter
    assert second.interpreter.read_bytes().startswith(b"compiled by 51.0.0")
    assert first.interpreter.exists()  # for another who still has that one


def test_a_machine_without_a_pinned_build(bench: Bench) -> None:
    elsewhere = Machine("freebsd", "riscv64")
    with pytest.raises(ToolchainError, match=r"no wasmtime is pinned for this machine, freebsd"):
        bench.open(machine=elsewhere)
    mine = program(bench, bench.program("50.0.0"))
    assert bench.open(machine=elsewhere, environ={"CAPSULE_WASMTIME": str(mine)}).wasmtime == mine
    assert bench.work() == ["fetch tiny-python", "compile core.wasm"]


@pytest.mark.parametrize("version", ["47.9.9", "1.0.0", "9.0.0"])
def test_one_that_is_too_old(bench: Bench, version: str) -> None:
    mine = program(bench, bench.program(version))
    with pytest.raises(ToolchainError) as caught:
        bench.open(environ={"CAPSULE_WASMTIME": str(mine)})
    assert caught.value.message == (
        f"CAPSULE_WASMTIME names {mine}, which is wasmtime {version}; "
        "the oldest that can hold a sandbox is 48"
    )
    assert "wasmtime 48 or newer" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#!/bin/sh\necho Python 3.13.0\n", "not wasmtime: its --version is Python 3.13.0"),
        ("#!/bin/sh\nexit 4\n", "not wasmtime: its --version is status 4"),
        ("#!/bin/sh\necho wasmtime 50.0.0; exit 1\n", "not wasmtime"),
        ("#!/nowhere/sh\n", "cannot be started: No such file"),
        ("\x00\x01", "cannot be started"),
    ],
)
def test_one_that_is_none(bench: Bench, text: str, says: str) -> None:
    mine = program(bench, text)
    with pytest.raises(ToolchainError) as caught:
        wasmtime_override.inspect(mine, 48)
    assert f"CAPSULE_WASMTIME names {mine}" in caught.value.message
    assert says in caught.value.message


def test_one_that_lacks_a_library_of_the_system(bench: Bench) -> None:
    """musl's loader says it first, and then each name that it did not find."""
    lacking = "Error loading shared library libgcc_s.so.1: No such file or directory"
    mine = program(bench, f"#!/bin/sh\necho '{lacking}\nError relocating: _Unwind' >&2; exit 127\n")
    with pytest.raises(ToolchainError) as caught:
        wasmtime_override.inspect(mine, 48)
    assert (
        caught.value.message == f"CAPSULE_WASMTIME names {mine}, which cannot be started: {lacking}"
    )
    assert "apk add libgcc" in str(caught.value.hint)


def test_one_that_is_not_there(bench: Bench) -> None:
    with pytest.raises(ToolchainError, match=r"/nowhere/wasmtime, which cannot be started"):
        bench.open(environ={"CAPSULE_WASMTIME": "/nowhere/wasmtime"})


@pytest.mark.parametrize(
    "printed", ["wasmtime 49.0.3 (abc 2026-01-01)", "wasmtime-cli 50.0.0", "wasmtime 51.0.0-dev"]
)
def test_the_versions_that_wasmtime_prints(bench: Bench, printed: str) -> None:
    mine = program(bench, f"#!/bin/sh\necho '{printed}'\n")
    assert wasmtime_override.inspect(mine, 48).version == printed.split()[1].removesuffix("-dev")


def test_what_the_variable_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert named_wasmtime({}) is None
    assert named_wasmtime({"CAPSULE_WASMTIME": ""}) is None
    assert named_wasmtime({"CAPSULE_WASMTIME": "~/bin/w"}) == Path("/home/me/bin/w")
    assert named_wasmtime({"CAPSULE_WASMTIME": "bin/w"}) == Path.cwd() / "bin/w"
