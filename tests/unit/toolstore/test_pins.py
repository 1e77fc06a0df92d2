"""The pins: what the real ones say, and that nothing else is taken for pins."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from capsule.errors import ToolchainError
from capsule.paths import toolchain_data
from capsule.toolstore import pins, platform_tag
from capsule.toolstore.digests import identity, sha256, short_id
from capsule.toolstore.layout import STDLIB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.toolstore.conftest import Bench

REAL = toolchain_data() / "pins.toml"


def test_the_real_pins_cover_eight_kinds_of_machine() -> None:
    pinned = pins.load(REAL)
    assert {build.kind for build in pinned.wasmtime.builds} == {
        "linux x86_64 (glibc)",
        "linux aarch64 (glibc)",
        "linux x86_64 (musl)",
        "linux aarch64 (musl)",
        "macos aarch64",
        "macos x86_64",
        "windows x86_64",
        "windows aarch64",
    }
    assert len({wheel.sha256 for wheel in pinned.wheels}) == 9
    assert (pinned.wasmtime.version, pinned.wasmtime.reports) == ("49.0.4", "49.0.3")
    assert pinned.wasmtime.oldest == 48


def test_each_build_is_a_wheel_for_its_own_machine() -> None:
    words = {"aarch64": ("aarch64", "arm64"), "x86_64": ("x86_64", "amd64")}
    places = {"linux": "linux", "macos": "macosx", "windows": "win"}
    for build in pins.load(REAL).wasmtime.builds:
        file = build.wheel.file
        assert any(word in file for word in words[build.machine]), file
        assert places[build.system] in file
        assert ("musl" in file) == (build.libc == "musl")
        assert build.binary.path.endswith(".exe") == (build.system == "windows")


def test_the_library_is_named_after_the_pinned_python() -> None:
    python = pins.load(REAL).interpreter.python
    assert f"stdlib/python{python.replace('.', '')}.zip" == STDLIB


def test_this_machine_has_a_build() -> None:
    here = platform_tag.detect()
    build = pins.pin_for(pins.load(REAL), here.system, here.machine, here.libc)
    assert build.kind == str(here)


def test_an_unknown_machine_is_told_what_there_is() -> None:
    with pytest.raises(ToolchainError) as caught:
        pins.pin_for(pins.load(REAL), "freebsd", "riscv64", "")
    assert "freebsd riscv64" in caught.value.message
    assert "linux aarch64 (musl)" in caught.value.message
    assert "CAPSULE_WASMTIME" in str(caught.value.hint)


def change(document: Any, path: str, value: object) -> None:
    *above, last = path.split(".")
    for key in above:
        document = document[int(key)] if key.isdigit() else document[key]
    if value is None:
        del document[last]
    else:
        document[last] = value


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("colour", "red", "unknown: 'colour'"),
        ("wasmtime.sise", 5, "wasmtime: unknown: 'sise'"),
        ("wasmtime.build.0.sha265", "x", "wasmtime: build 1: unknown: 'sha265'"),
        ("wasmtime.build.0.binary.mode", 7, "binary: unknown: 'mode'"),
        ("interpreter.wheel.url", "x", "interpreter: wheel: unknown: 'url'"),
        ("interpreter.natives.middle", 3, "interpreter: natives: unknown: 'middle'"),
        ("interpreter.natives.range.1.last", 3, "natives: range 2: unknown: 'last'"),
        ("interpreter.natives.range.1.first", 2, "natives: its ranges are not in order"),
        ("interpreter.natives.last", 3, "natives: its ranges are not in order"),
        ("interpreter.natives.range.1.package", "json", "natives: no flavour has 'json'"),
        ("interpreter.cut.0.flavour", "science", "cut 1: no flavour is called 'science'"),
        ("interpreter.cut.0.flavour", "numpy", "cuts are for numpy, documents, numpy"),
        ("interpreter.cut.0.first", 3, "cut 1: unknown: 'first'"),
        ("interpreter.patch.0.byte", 3, "interpreter: patch 1: unknown: 'byte'"),
        ("interpreter.patch.0.offset", None, "patch 1: the key 'offset' is missing"),
        ("interpreter.patch.0.before", "4", "before is '4', not pairs of lower-case hex digits"),
        ("interpreter.patch.0.after", "410a0b", "before and after are of different lengths"),
        ("interpreter.sqlite", {"size": 1}, "interpreter: unknown: 'sqlite'"),
        ("wasmtime.build.0.sha256", None, "the key 'sha256' is missing"),
        ("interpreter.stdlib", None, "the key 'stdlib' is missing"),
        ("wasmtime.build.0.sha256", "ABC", "sha256 is 'ABC', not 64 lower-case hex digits"),
        ("wasmtime.build.0.sha256", "g" * 64, "not 64 lower-case hex digits"),
        ("wasmtime.build.0.size", "9", "size is '9', not of type int"),
        ("wasmtime.build.0.size", -1, "size is -1, it cannot be negative"),
        ("wasmtime.build.0.file", "../x.whl", "file is '../x.whl', not a plain relative path"),
        ("wasmtime.build.0.file", "a/x.whl", "file is 'a/x.whl', not a bare file name"),
        ("interpreter.wasm.path", "/etc/passwd", "not a plain relative path"),
        ("interpreter.wasm.path", "C:\\x", "not a plain relative path"),
        ("interpreter.python", "", "python is empty"),
        ("wasmtime.build", ["x"], "build 1: 'x' is not a table"),
        ("format", 2, "format is 2, this capsule reads 1"),
    ],
)
def test_pins_that_are_not_understood_are_refused(
    bench: Bench, path: str, value: object, says: str
) -> None:
    tables = copy.deepcopy(bench.document)
    change(tables, path, value)
    bench.write_pins(tables)
    with pytest.raises(ToolchainError) as caught:
        pins.load(bench.pins)
    assert says in caught.value.message
    assert caught.value.message.startswith("pins.toml")


def test_pins_that_are_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "pins.toml"
    file.write_text("format = ")
    with pytest.raises(ToolchainError, match=r"pins\.toml: not TOML"):
        pins.load(file)


def test_pins_that_are_not_there(tmp_path: Path) -> None:
    for read in (pins.load, identity):
        with pytest.raises(ToolchainError, match=r"cannot read the pins in .*nowhere"):
            read(tmp_path / "nowhere")


def test_the_identity_is_that_of_the_content(bench: Bench, tmp_path: Path) -> None:
    before = identity(bench.pins)
    other = tmp_path / "other.toml"
    other.write_bytes(bench.pins.read_bytes())
    assert identity(other) == before
    other.write_bytes(bench.pins.read_bytes() + b"\n")
    assert identity(other) != before
    assert len(before) == 16


def test_a_short_id_tells_its_parts_apart() -> None:
    assert short_id(b"ab", b"c") != short_id(b"a", b"bc")


@pytest.mark.parametrize("size", [0, 10, 1 << 20])
def test_a_hash_is_that_of_hashlib(size: int) -> None:
    parts = [bytes(size), b"abc" * size]
    assert sha256(*parts) == hashlib.sha256(b"".join(parts)).hexdigest()
