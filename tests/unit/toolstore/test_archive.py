"""A toolchain in one file: there and back, and what is refused on the way."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore.archive import INDEX, export_toolchain, import_toolchain
from capsule.toolstore.manage import remove, verify
from capsule.toolstore.platform_tag import Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.toolstore.conftest import Bench, Watcher

    Entries = dict[str, bytes]


@pytest.fixture
def artifact(bench: Bench) -> Path:
    """Return an exported toolchain, of a home that is then removed."""
    bench.open()
    file = bench.folder / "toolchain.zip"
    export_toolchain(bench.home, file, progress=bench.silent, sources=bench.sources())
    remove(bench.home, progress=bench.silent)
    bench.work()
    return file


def bring(bench: Bench, file: Path, **changes: object) -> None:
    import_toolchain(bench.home, file, progress=bench.silent, sources=bench.sources(**changes))


def refused(bench: Bench, file: Path, **changes: object) -> ToolchainError:
    """Return the error of an import, which fetched, compiled and kept nothing."""
    with pytest.raises(ToolchainError) as caught:
        bring(bench, file, **changes)
    assert str(file) in caught.value.message
    assert caught.value.hint
    assert bench.work() == []
    assert not bench.layout.root.exists() or list(bench.layout.root.rglob("*.whl")) == []
    return caught.value


def rewrite(file: Path, change: Callable[[Entries], object]) -> None:
    """Write an archive anew with other entries."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def test_there_and_back(bench: Bench, artifact: Path) -> None:
    bring(bench, artifact)
    assert bench.work() == ["compile core.wasm"]
    assert {found.state for found in verify(bench.home, sources=bench.sources())} == {"ok"}
    bench.open()
    assert bench.work() == []


def test_what_is_in_the_file(bench: Bench, artifact: Path) -> None:
    wheels = {path.name: path.read_bytes() for path in bench.index.iterdir()}
    with zipfile.ZipFile(artifact) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    index = json.loads(entries.pop(INDEX))
    assert entries == wheels
    assert index["pins"] == bench.layout.identity
    assert {entry["file"]: entry["size"] for entry in index["wheels"]} == {
        name: len(content) for name, content in wheels.items()
    }


def test_the_same_wheels_give_the_same_file(bench: Bench, artifact: Path) -> None:
    bring(bench, artifact)
    again = bench.folder / "again.zip"
    names = export_toolchain(bench.home, again, progress=bench.silent, sources=bench.sources())
    assert again.read_bytes() == artifact.read_bytes()
    assert sorted(names) == sorted(path.name for path in bench.index.iterdir())


def test_an_import_into_a_home_that_has_it_all(bench: Bench, artifact: Path) -> None:
    first = bench.open()
    bench.work()
    bring(bench, artifact)
    assert bench.work() == []
    assert bench.open() == first


def test_an_import_repairs(bench: Bench, artifact: Path) -> None:
    wheel = next((bench.open().root / "wheels").iterdir())
    wheel.chmod(0o600)
    wheel.write_bytes(b"damaged")
    bring(bench, artifact)
    assert {found.state for found in verify(bench.home, sources=bench.sources())} == {"ok"}


def test_progress_adds_up(bench: Bench, artifact: Path, watcher: Watcher) -> None:
    total = sum(path.stat().st_size for path in bench.index.iterdir())
    import_toolchain(bench.home, artifact, progress=watcher, sources=bench.sources())
    assert (watcher.steps[0].label, watcher.steps[0].total) == ("importing the toolchain", total)
    assert max(watcher.updates) == total
    watcher.updates.clear()
    export_toolchain(bench.home, artifact, progress=watcher, sources=bench.sources())
    assert (watcher.steps[-1].label, watcher.steps[-1].total) == ("exporting the toolchain", total)
    assert watcher.updates[-1] == total


def flipped(entries: Entries) -> None:
    name = next(name for name in entries if name.startswith("tiny_wasmtime"))
    content = bytearray(entries[name])
    content[50] ^= 1
    entries[name] = bytes(content)


def swapped(entries: Entries) -> None:
    """Give a wheel the content of another of the pins."""
    names = sorted(name for name in entries if name.endswith(".whl"))
    entries[names[0]] = entries[names[1]]


def renamed(entries: Entries) -> None:
    name = next(name for name in entries if name.startswith("tiny_wasmtime"))
    entries[name.replace("1.0.0", "6.6.6")] = entries.pop(name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (flipped, "expected SHA-256"),
        (swapped, "expected"),
        (renamed, "tiny_wasmtime-6.6.6-py3-none-manylinux2014_x86_64.whl', which is not pinned"),
        (lambda entries: entries.update({"evil.cwasm": b"x"}), "'evil.cwasm', which is not pinned"),
        (lambda entries: entries.update({"record.json": b"{}"}), "which is not pinned here"),
        (lambda entries: entries.update({"../../up": b"x"}), "a path that leads out"),
        (lambda entries: entries.pop(INDEX), f"is not an exported toolchain: it has no {INDEX}"),
        (lambda entries: entries.update({INDEX: b"nonsense"}), "cannot be understood"),
        (lambda entries: entries.update({INDEX: b"[]"}), "cannot be understood"),
        (lambda entries: entries.update({INDEX: b'{"format": 2}'}), "its format is '2'"),
    ],
)
def test_a_file_that_was_tampered_with(
    bench: Bench, artifact: Path, change: Callable[[Entries], object], says: str
) -> None:
    rewrite(artifact, change)
    assert says in refused(bench, artifact).message


@pytest.mark.parametrize("left", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(bench: Bench, artifact: Path, left: float) -> None:
    content = artifact.read_bytes()
    artifact.write_bytes(content[: int(len(content) * left)])
    assert "is damaged" in refused(bench, artifact).message


def test_a_file_that_is_something_else(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear capsule,\n")
    assert "letter.txt is damaged: File is not a zip file" in refused(bench, file).message


def test_a_huge_file_is_not_even_opened(bench: Bench, artifact: Path) -> None:
    with artifact.open("r+b") as file:
        file.truncate(1 << 30)  # sparse: it takes no space
    assert "1,073,741,824 bytes, none has over" in refused(bench, artifact).message


def test_no_file(bench: Bench, tmp_path: Path) -> None:
    error = refused(bench, tmp_path / "nowhere.zip")
    assert "cannot read" in error.message
    assert "again" not in str(error.hint)


def test_a_file_of_other_pins(bench: Bench, artifact: Path) -> None:
    theirs = bench.layout.identity
    bench.release("2.0.0")
    error = refused(bench, artifact)
    assert f"of the pins '{theirs}', this capsule has {bench.layout.identity}" in error.message
    assert "the same version of capsule" in str(error.hint)


def test_a_file_without_the_part_for_this_machine(bench: Bench, artifact: Path) -> None:
    rewrite(artifact, lambda entries: [entries.pop(n) for n in list(entries) if "wasmtime-" in n])
    with pytest.raises(ToolchainError) as caught:
        bring(bench, artifact)
    assert f"{artifact} has no tiny_wasmtime-1.0.0" in caught.value.message
    assert "a machine of the same kind" in str(caught.value.hint)


def test_an_import_for_a_wasmtime_of_ones_own(bench: Bench, artifact: Path) -> None:
    mine = bench.folder / "mine"
    mine.write_bytes(bench.program("50.0.0"))
    mine.chmod(0o755)
    elsewhere = Machine("freebsd", "riscv64")
    environ = {"CAPSULE_WASMTIME": str(mine)}
    bring(bench, artifact, machine=elsewhere, environ=environ)
    assert bench.open(machine=elsewhere, environ=environ).wasmtime == mine


def test_an_export_of_nothing(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="there is no toolchain in") as caught:
        export_toolchain(
            bench.home, tmp_path / "x.zip", progress=bench.silent, sources=bench.sources()
        )
    assert caught.value.hint == "capsule toolchain install"
    assert not (tmp_path / "x.zip").exists()


def test_an_export_of_damage(bench: Bench, tmp_path: Path) -> None:
    wheel = next((bench.open().root / "wheels").glob("tiny_python*"))
    content = wheel.read_bytes()
    wheel.chmod(0o600)
    wheel.write_bytes(content[:-1] + b"?")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "x.zip").write_bytes(b"the last export")
    with pytest.raises(ToolchainError, match="is not the pinned file: expected SHA-256"):
        export_toolchain(
            bench.home, folder / "x.zip", progress=bench.silent, sources=bench.sources()
        )
    assert [path.read_bytes() for path in folder.iterdir()] == [b"the last export"]


def test_an_export_to_a_folder_that_is_not_there(bench: Bench, tmp_path: Path) -> None:
    bench.open()
    file = tmp_path / "nowhere" / "x.zip"
    with pytest.raises(ToolchainError, match=f"there is no folder {file.parent}"):
        export_toolchain(bench.home, file, progress=bench.silent, sources=bench.sources())
