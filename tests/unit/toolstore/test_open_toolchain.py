"""Opening a toolchain: nothing to do, something to do, and something wrong."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore import file_index, files
from capsule.toolstore.flavours import FLAVOURS
from capsule.toolstore.import_memory import import_memory
from capsule.toolstore.open_toolchain import open_toolchain, recompile
from capsule.toolstore.toolchain import unchanged

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.progress import Progress
    from capsule.toolstore.pins import Wheel
    from tests.unit.toolstore.conftest import Bench, Watcher

ALL_THE_WORK = ["fetch tiny-wasmtime", "fetch tiny-python", "compile core.wasm"]
RUN_FILES = ["wasmtime", "stdlib/python315.zip", "core.cwasm"]


def flip(path: Path) -> None:
    """Change one byte in the middle, and set the time of the last change back."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(stat.S_IMODE(before.st_mode))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_first_run_does_the_work_and_the_second_none(bench: Bench) -> None:
    first = bench.open()
    assert bench.work() == ALL_THE_WORK
    assert bench.open() == first
    assert bench.work() == []


def test_what_a_toolchain_is(bench: Bench) -> None:
    found = bench.open()
    root = bench.home / "toolchain" / bench.layout.identity
    assert (found.root, found.flavour) == (root, "core")
    assert (found.wasmtime, found.interpreter) == (root / "wasmtime", root / "core.cwasm")
    assert (found.stdlib / "python315.zip").read_bytes() == b"the standard library " * 100
    assert found.interpreter.read_bytes().startswith(b"compiled by 1.0.0")
    assert len(found.identity) == len(found.portable) == 16


def test_the_parts_are_private_and_read_only(bench: Bench) -> None:
    root = bench.open().root
    modes = {
        str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode)
        for path in [root.parent, *root.rglob("*")]
        if path not in (root.parent, root / "record.json")
    }
    wheels = {f"wheels/{path.name}": 0o444 for path in bench.index.iterdir()}
    assert modes == wheels | {
        "wheels": 0o700,
        "stdlib": 0o700,
        "wasmtime": 0o555,
        "interpreter.wasm": 0o444,
        "stdlib/python315.zip": 0o444,
        "MANIFEST": 0o444,
        "core.cwasm": 0o444,
    }
    for folder in (root.parent, root):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_could_write_is_not_used(bench: Bench) -> None:
    """Nobody can tell what they have put there; taking it from them afterwards helps nothing."""
    bench.layout.root.mkdir(parents=True)
    for folder in (bench.layout.base, bench.layout.root):
        folder.chmod(0o777)
        with pytest.raises(ToolchainError, match=f"{folder} is not used: .* its mode is 0777"):
            bench.open()
        folder.chmod(0o755)
    bench.open()
    for folder in (bench.layout.base, bench.layout.root):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_progress_is_told_of_each_long_step(bench: Bench, watcher: Watcher) -> None:
    bench.open(progress=watcher)
    assert [step.label for step in watcher.steps] == ["compiling the core interpreter"]
    bench.open("science", progress=watcher)
    assert watcher.steps[-1].label == "compiling the science interpreter"
    assert watcher.notes == []


def test_an_open_toolchain_costs_no_heavy_import(bench: Bench) -> None:
    bench.open()
    code = f"""
import sys
from pathlib import Path
from capsule.progress import Silent
from capsule.toolstore.open_toolchain import open_toolchain
from capsule.toolstore.sources import ToolchainSources
sources = ToolchainSources(Path({str(bench.pins)!r}))
open_toolchain(Path({str(bench.home)!r}), progress=Silent(), sources=sources)
print(*sys.modules)
"""
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],  # no .pth file imports anything here
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ran.stdout.split())
    assert "capsule.toolstore.open_toolchain" in loaded
    heavy = {"tomllib", "hashlib", "zipfile", "subprocess", "platformdirs", "tempfile", "shutil"}
    assert not heavy & loaded
    assert {name for name in loaded if name.startswith("capsule.toolstore.")} == {
        f"capsule.toolstore.{name}"
        for name in (
            *("digests", "flavours", "layout", "file_index", "open_toolchain", "sources"),
            "toolchain",
        )
    }


def test_the_other_flavour_is_compiled_and_nothing_else(bench: Bench) -> None:
    core = bench.open()
    bench.work()
    science = bench.open("science")
    assert bench.work() == ["compile science.wasm"]
    assert science.interpreter.name == "science.cwasm"
    assert science.identity != core.identity
    assert science.portable == core.portable
    assert len(science.interpreter.read_bytes()) > len(core.interpreter.read_bytes())


def test_each_flavour_is_cut_as_it_is_pinned(bench: Bench) -> None:
    whole = bench.open("science").interpreter.read_bytes()
    (bench.layout.root / "science.cwasm").unlink()
    made = {flavour: bench.open(flavour) for flavour in FLAVOURS[:-1]}
    assert all(each.flavour == flavour for flavour, each in made.items())
    sizes = {flavour: len(each.interpreter.read_bytes()) for flavour, each in made.items()}
    # What is cut out of the small interpreter: numpy, pandas and statsmodels; or the last two; ...
    assert sizes["core"] == sizes["documents"] < sizes["numpy"] < sizes["pandas"] < len(whole)


def test_a_larger_one_that_is_there_is_used_and_none_is_made(bench: Bench) -> None:
    science = bench.open("science")
    bench.work()
    pandas = bench.open("pandas")
    assert bench.work() == []
    assert (pandas.interpreter, pandas.flavour) == (science.interpreter, "pandas")
    # Of those that are large enough the smallest; and `core` is always its own.
    assert bench.open("core").interpreter.name == "core.cwasm"
    bench.open("science").interpreter.unlink()
    assert bench.open("matplotlib").interpreter.name == "matplotlib.cwasm"
    assert bench.open("pandas").interpreter.name == "matplotlib.cwasm"
    assert bench.open("scipy").interpreter.name == "scipy.cwasm"


def test_wheels_that_were_deleted_are_not_missed(bench: Bench) -> None:
    root = bench.open().root
    for wheel in (root / "wheels").iterdir():
        wheel.unlink()
    bench.work()
    bench.open()
    bench.open("science")
    assert bench.work() == ["compile science.wasm"]


def test_a_damaged_interpreter_is_not_compiled(bench: Bench) -> None:
    root = bench.open().root
    good = (root / "interpreter.wasm").read_bytes()
    flip(root / "interpreter.wasm")
    science = bench.open("science")
    assert science.interpreter.read_bytes().endswith(import_memory(good))


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_flipped_byte_is_found_and_named(bench: Bench, name: str) -> None:
    path = bench.open().root / name
    size, expected = path.stat().st_size, file_index.read(bench.layout.record)
    assert expected is not None
    flip(path)
    assert path.stat().st_size == size
    bench.work()
    for _ in range(2):
        with pytest.raises(ToolchainError) as caught:
            bench.open()
        assert f"{path} is not what was installed" in caught.value.message
        assert f"expected SHA-256 {expected.files[name].sha256}, found" in caught.value.message
        assert caught.value.hint == "capsule toolchain install"
    assert bench.work() == []


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_truncated_file_is_found_and_named(bench: Bench, name: str) -> None:
    path = bench.open().root / name
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ToolchainError, match=f"expected {size:,} bytes, found {size - 7:,}"):
        bench.open()


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_missing_file_is_made_again(bench: Bench, name: str) -> None:
    first = bench.open()
    bench.work()
    (first.root / name).unlink()
    assert bench.open() == first
    assert bench.work() == (["compile core.wasm"] if name == "core.cwasm" else [])


def test_a_copied_home_is_hashed_once(bench: Bench) -> None:
    """The same content under other inodes and times: what a copy or a container's layers give."""
    root = bench.open().root
    bench.work()
    for name in RUN_FILES:
        content, mode = (root / name).read_bytes(), (root / name).stat().st_mode
        (root / name).unlink()
        (root / name).write_bytes(content)
        (root / name).chmod(mode)
    assert not any(same(bench, name) for name in RUN_FILES)
    bench.open()
    assert all(same(bench, name) for name in RUN_FILES)
    assert bench.work() == []


def same(bench: Bench, name: str) -> bool:
    known = file_index.read(bench.layout.record)
    assert known is not None
    return unchanged(bench.layout, known, name)


def test_a_home_that_cannot_be_written_serves_what_it_has(bench: Bench) -> None:
    """Its record cannot be refreshed: here, since the lock is not a file that can be locked."""
    first = bench.open()
    bench.layout.lock.unlink()
    bench.layout.lock.mkdir()
    os.utime(first.wasmtime, ns=(1, 1))
    assert bench.open() == first
    assert not same(bench, "wasmtime")


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{", b"[]", b'{"format": 9}', b'{"format": 1, "files": 3}', b"[" * 100_000],
)
def test_without_a_record_the_pins_are_believed(bench: Bench, content: bytes | None) -> None:
    first = bench.open()
    bench.work()
    if content is None:
        bench.layout.record.unlink()
    else:
        bench.layout.record.write_bytes(content)
    assert bench.open() == first
    # Nothing but the record vouches for what was compiled.
    assert bench.work() == ["compile core.wasm"]


def test_without_a_record_a_damaged_part_is_made_again(bench: Bench) -> None:
    first = bench.open()
    flip(first.wasmtime)
    bench.layout.record.unlink()
    bench.open()
    assert first.wasmtime.read_bytes() == bench.program("1.0.0")


def test_a_home_below_a_file(bench: Bench) -> None:
    bench.home = bench.folder / "file" / "home"
    (bench.folder / "file").touch()
    with pytest.raises(ToolchainError) as caught:
        bench.open()
    assert f"cannot write to {bench.home / 'toolchain'}: Not a directory" in caught.value.message
    assert "CAPSULE_HOME" in str(caught.value.hint)
    assert bench.work() == []


@pytest.mark.parametrize(
    ("number", "says", "hint"),
    [
        (errno.ENOSPC, "no space is left in", "free 1 GB"),
        (errno.EROFS, "Read-only file system", "set CAPSULE_HOME to a folder that you can write"),
        (errno.EACCES, "Permission denied", "set CAPSULE_HOME to a folder that you can write"),
    ],
)
def test_what_the_system_says_of_a_home(tmp_path: Path, number: int, says: str, hint: str) -> None:
    with pytest.raises(ToolchainError) as caught, files.writing(tmp_path):
        raise OSError(number, os.strerror(number))
    assert says in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("damage", ["shorter", "longer", "other"])
@pytest.mark.parametrize("wheel", ["tiny_python", "tiny_wasmtime"])
def test_an_index_that_serves_another_file(bench: Bench, wheel: str, damage: str) -> None:
    path = next(bench.index.glob(f"{wheel}-*"))
    good = path.read_bytes()
    other = {"shorter": good[:-1], "longer": good + b"x", "other": bytes(len(good))}[damage]
    path.write_bytes(other)
    with pytest.raises(ToolchainError) as caught:
        bench.open()
    assert path.name in caught.value.message
    expected = "SHA-256" if damage == "other" else f"{len(good):,} bytes, found {len(other):,}"
    assert f"expected {expected}" in caught.value.message
    assert "capsule toolchain import FILE" in str(caught.value.hint)
    assert not list(bench.layout.root.glob(f"wheels/{wheel}*"))
    assert not bench.layout.staging.exists()
    path.write_bytes(good)
    bench.open()


def test_a_wheel_whose_member_is_not_the_pinned_one(bench: Bench) -> None:
    bench.document["interpreter"]["stdlib"]["sha256"] = "0" * 64
    bench.write_pins(bench.document)
    with pytest.raises(ToolchainError, match=r"python/stdlib\.zip in .* is not the pinned file"):
        bench.open()
    assert not (bench.layout.root / "stdlib").exists()


def test_a_core_that_is_not_the_pinned_one_is_not_compiled(bench: Bench) -> None:
    bench.document["interpreter"]["natives"]["range"][0]["first"] = 1
    bench.write_pins(bench.document)
    with pytest.raises(ToolchainError, match=r"core\.wasm is not the pinned file"):
        bench.open()
    assert "compile core.wasm" not in bench.work()


def test_new_pins_take_over_the_wheels_that_stay(bench: Bench) -> None:
    old = bench.open()
    bench.work()
    bench.release("2.0.0")
    new = bench.open()
    assert bench.work() == ["fetch tiny-wasmtime", "compile core.wasm"]
    assert new.root != old.root
    assert new.identity != old.identity
    assert new.portable == old.portable  # the interpreter is the same
    assert old.interpreter.exists()


def test_a_compile_that_fails_leaves_the_rest_done(bench: Bench) -> None:
    gate = bench.folder / "broken"
    gate.touch()
    bench.release("1.0.0", trouble=f"[ -e {gate} ] && echo 'Error: no' >&2 && exit 1")
    with pytest.raises(ToolchainError, match=r"could not compile core\.wasm: .*Error: no"):
        bench.open()
    assert not bench.layout.staging.exists()
    bench.work()
    gate.unlink()
    bench.open()
    assert bench.work() == ["compile core.wasm"]


def test_an_interrupt_leaves_nothing_half_done(bench: Bench) -> None:
    def interrupted(wheel: Wheel, staging: Path, progress: Progress) -> Path:
        bench.fetch(wheel, staging, progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.open(fetch=interrupted)
    assert [path.name for path in bench.layout.root.iterdir()] == []
    bench.open()


def test_compiling_again(bench: Bench) -> None:
    first = bench.open()
    bench.work()
    again = recompile(bench.home, first, progress=bench.silent, sources=bench.sources())
    assert bench.work() == ["compile core.wasm"]
    assert again == first  # the same compiler, the same code
    assert bench.open() == again
    assert bench.work() == []


def test_compiling_again_what_another_process_has_replaced(bench: Bench) -> None:
    bench.release("1.0.0", trouble='echo "for this processor: $$" >> "$6"')
    first = bench.open()
    other = recompile(bench.home, first, progress=bench.silent, sources=bench.sources())
    assert other.identity != first.identity
    assert other.interpreter == first.interpreter
    bench.work()
    # A process that still has the first finds that its work was done.
    found = recompile(bench.home, first, progress=bench.silent, sources=bench.sources())
    assert found == other
    assert bench.work() == []


def test_the_default_supply_is_the_real_one(tmp_path: Path, watcher: Watcher) -> None:
    """Without a way to write, and so without a download: the real pins, this machine."""
    (tmp_path / "file").touch()
    with pytest.raises(ToolchainError, match="Not a directory"):
        open_toolchain(tmp_path / "file" / "home", progress=watcher)
