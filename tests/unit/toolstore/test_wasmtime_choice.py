"""A wasmtime that was installed from a file: used by all, without a variable, until one goes back."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore import file_index
from capsule.toolstore.archive import export_toolchain, import_toolchain
from capsule.toolstore.layout import WASMTIME
from capsule.toolstore.manage import install, list_parts, remove, verify
from capsule.toolstore.platform_tag import Machine
from capsule.toolstore.wasmtime_choice import choose

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.toolstore.manage import Part
    from tests.unit.toolstore.conftest import Bench, Watcher

WINDOWS = Machine("windows", "x86_64")
UNSAFE = """\
format = 1
[[advisory]]
id = "GHSA-1"
title = "a way out"
fixed = ["50.0.3"]
unsafe = true
means = "bad"
"""


def release(bench: Bench, version: str, trouble: str = "") -> Path:
    content = bench.program(version, trouble)
    path = bench.folder / f"wasmtime-v{version}-x86_64-linux.tar.xz"
    with tarfile.open(path, "w:xz", preset=0) as archive:
        info = tarfile.TarInfo(f"wasmtime-v{version}-x86_64-linux/{WASMTIME}")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return path


def use(bench: Bench, file: Path | None, **more: Any) -> list[Part]:
    changes = more.pop("changes", {})
    more = {"progress": bench.silent} | more
    return choose(bench.home, file, sources=bench.sources(**changes), **more)


def parts(bench: Bench, **changes: Any) -> dict[str, Part]:
    return {each.name: each for each in list_parts(bench.home, sources=bench.sources(**changes))}


def program(bench: Bench, version: str) -> Path:
    path = bench.folder / f"named-{version}"
    path.write_bytes(bench.program(version))
    path.chmod(0o755)
    return path


def damage(path: Path) -> None:
    path.chmod(0o700)
    path.write_bytes(path.read_bytes()[:-1] + b"#")


def test_it_is_used_in_place_of_the_pinned_one(bench: Bench) -> None:
    pinned = bench.open()
    bench.work()
    use(bench, release(bench, "50.1.2"))
    assert bench.work() == ["compile core.wasm"]
    found = bench.open()
    assert found.wasmtime.read_bytes() == bench.program("50.1.2")
    assert found.wasmtime.parent == found.root
    assert found.wasmtime.stat().st_mode & 0o777 == 0o555
    assert found.interpreter.read_bytes().startswith(b"compiled by 50.1.2")
    assert (found.identity != pinned.identity, found.portable) == (True, pinned.portable)
    assert bench.open("science").interpreter.read_bytes().startswith(b"compiled by 50.1.2")
    assert {each.state for each in verify(bench.home, sources=bench.sources())} == {"ok"}

    bench.work()
    use(bench, None)
    assert bench.open() == pinned
    assert bench.work() == []
    # What nobody uses any more is gone, with what was compiled for it.
    assert not found.wasmtime.exists()
    assert not found.interpreter.exists()


def test_a_home_without_a_toolchain_needs_no_wheel_of_wasmtime(bench: Bench) -> None:
    use(bench, program(bench, "51.0.0"))
    assert sorted(bench.work()) == ["compile core.wasm", "fetch tiny-python"]
    assert {each.state for each in verify(bench.home, sources=bench.sources())} == {"ok"}
    assert "wasmtime-pinned" not in parts(bench)
    install(bench.home, progress=bench.silent, sources=bench.sources())
    assert bench.work() == []


def test_a_machine_for_which_none_is_pinned(bench: Bench) -> None:
    elsewhere = Machine("freebsd", "riscv64")
    use(bench, program(bench, "51.0.0"), changes={"machine": elsewhere})
    found = bench.open(machine=elsewhere)
    assert found.interpreter.read_bytes().startswith(b"compiled by 51.0.0")
    assert parts(bench, machine=elsewhere)["wasmtime"].state == "ready"


def test_opening_it_looks_at_no_more_files(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def signature(path: Path) -> file_index.Signature:
        looked.append(path.name)
        return file_index.signature(path)

    monkeypatch.setattr("capsule.toolstore.toolchain.signature", signature)
    bench.open()
    looked.clear()
    bench.open()
    before = len(looked)
    use(bench, release(bench, "50.1.2"))
    looked.clear()
    bench.open()
    assert len(looked) == before == 3


def test_the_variable_wins(bench: Bench) -> None:
    use(bench, release(bench, "50.1.2"))
    mine = program(bench, "51.0.0")
    environ = {"CAPSULE_WASMTIME": str(mine)}
    assert bench.open(environ=environ).wasmtime == mine
    listed = parts(bench, environ=environ)
    assert (listed["wasmtime"].version, listed["wasmtime"].path) == ("51.0.0", mine)
    assert listed["wasmtime-installed"].version == "50.1.2"
    assert listed["compiled core"].state == "ready"
    assert bench.open().interpreter.read_bytes().startswith(b"compiled by 50.1.2")


def test_another_takes_its_place(bench: Bench) -> None:
    use(bench, release(bench, "50.1.2"))
    first = bench.open()
    use(bench, release(bench, "51.0.0"))
    second = bench.open()
    assert second.interpreter.read_bytes().startswith(b"compiled by 51.0.0")
    assert not first.wasmtime.exists()
    assert not first.interpreter.exists()


def test_the_list_says_which_is_used(bench: Bench) -> None:
    bench.open()
    assert parts(bench)["wasmtime"].note == "the pinned one"
    use(bench, release(bench, "50.1.2"))
    listed = parts(bench)
    assert listed["wasmtime"].version == "50.1.2"
    assert listed["wasmtime"].note == "installed from a file, in place of the pinned 1.0.0"
    assert [each.id for each in listed["wasmtime"].advisories] == []
    assert listed["wasmtime-pinned"].version == "1.0.0"
    assert (listed["compiled core"].state, listed["compiled core-pinned"].state) == (
        *("ready", "ready"),
    )
    assert listed["compiled science"].state == "missing"


def test_the_list_counts_a_program_that_is_named(bench: Bench) -> None:
    mine = program(bench, "49.0.3")
    environ = {"CAPSULE_WASMTIME": str(mine)}
    listed = parts(bench, environ=environ)  # before anything has used it
    assert (listed["wasmtime"].version, listed["wasmtime"].state) == ("49.0.3", "ready")
    assert listed["wasmtime"].size == mine.stat().st_size
    assert listed["compiled core"].state == "missing"
    assert "GHSA-5m8g-xhq4-4h93" in {each.id for each in listed["wasmtime"].advisories}
    bench.open(environ=environ)
    assert parts(bench, environ=environ)["compiled core"].state == "ready"
    assert "compiled core" in {
        each.name for each in verify(bench.home, sources=bench.sources(environ=environ))
    }


@pytest.mark.parametrize("version", ["47.0.0", ""])
def test_the_list_says_why_a_named_one_cannot_be_used(bench: Bench, version: str) -> None:
    mine = program(bench, version) if version else bench.folder / "nowhere"
    row = parts(bench, environ={"CAPSULE_WASMTIME": str(mine)})["wasmtime"]
    assert (row.state, row.version) == ("refused", "")
    assert str(mine) in row.note
    assert row.trouble is not None


def test_what_is_unsafe_here_is_not_taken(bench: Bench) -> None:
    before = bench.open()
    with pytest.raises(ToolchainError) as caught:
        use(bench, release(bench, "50.0.2"), changes={"machine": WINDOWS})
    assert "is wasmtime 50.0.2: it is unsafe here by GHSA-f2pq-268w-886c" in caught.value.message
    assert str(caught.value.hint).startswith("take wasmtime 48.0.10, 49.0.7, 50.0.3 or 51.0.0")
    assert bench.open() == before
    use(bench, release(bench, "50.0.2"))  # on Linux it is told alone


@pytest.mark.parametrize("version", ["49.0.6", "50.0.2", "48.0.9"])
def test_the_variable_is_held_against_the_same(bench: Bench, version: str) -> None:
    environ = {"CAPSULE_WASMTIME": str(program(bench, version))}
    with pytest.raises(ToolchainError, match=r"CAPSULE_WASMTIME names .*GHSA-f2pq-268w-886c"):
        bench.open(environ=environ, machine=WINDOWS)
    assert bench.open(environ=environ).wasmtime.name == f"named-{version}"


def test_what_is_known_of_it_is_told_once(bench: Bench, watcher: Watcher) -> None:
    environ = {"CAPSULE_WASMTIME": str(program(bench, "49.0.3"))}
    bench.open(environ=environ, progress=watcher)
    bench.open(environ=environ, progress=watcher)
    bench.open("science", environ=environ, progress=watcher)
    (told,) = watcher.notes
    assert "is wasmtime 49.0.3: 13 advisories are known, none of which is unsafe here" in told
    use(bench, release(bench, "51.0.0"), progress=watcher)
    assert len(watcher.notes) == 1


@pytest.mark.parametrize("how", ["named", "installed"])
def test_new_advisories_are_held_against_what_was_accepted(bench: Bench, how: str) -> None:
    mine = program(bench, "50.0.0")
    environ = {"CAPSULE_WASMTIME": str(mine)} if how == "named" else {}
    if how == "installed":
        use(bench, mine)
    before = bench.open(environ=environ)
    bench.work()
    newer = bench.folder / "advisories.toml"
    newer.write_text(UNSAFE.replace("50.0.3", "50.0.0"))
    assert bench.open(environ=environ, advisories=newer) == before
    newer.write_text(UNSAFE)
    for _ in range(2):
        with pytest.raises(ToolchainError, match="unsafe here by GHSA-1"):
            bench.open(environ=environ, advisories=newer)
    assert bench.work() == []  # and nothing was compiled anew for it
    with pytest.raises(ToolchainError, match="unsafe here by GHSA-1"):
        bench.open("science", environ=environ, advisories=newer)
    assert bench.open().portable == before.portable


def test_one_that_does_not_compile_is_not_taken(bench: Bench) -> None:
    before = bench.open()
    bench.work()
    with pytest.raises(ToolchainError, match="could not compile"):
        use(bench, release(bench, "51.0.0", trouble="exit 5"))
    assert bench.open() == before
    assert [each.name for each in before.root.glob("wasmtime-*")] == []


def test_one_that_fails_the_trial_is_not_taken(bench: Bench) -> None:
    use(bench, release(bench, "50.1.2"))
    before = bench.open()

    def trial() -> None:
        assert bench.open().interpreter.read_bytes().startswith(b"compiled by 51.0.0")
        raise ToolchainError("no task runs")

    with pytest.raises(ToolchainError, match="no task runs"):
        use(bench, release(bench, "51.0.0"), trial=trial)
    assert bench.open() == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#!/bin/sh\necho Python 3.13.0\n", "is not wasmtime: its --version is Python"),
        ("\x00\x01", "cannot be started"),
    ],
)
def test_what_is_no_wasmtime_is_not_taken(bench: Bench, text: str, says: str) -> None:
    file = bench.folder / "something"
    file.write_text(text)
    with pytest.raises(ToolchainError) as caught:
        use(bench, file)
    assert caught.value.message.startswith(f"the program in {file} ")
    assert says in caught.value.message
    assert "a release of wasmtime for linux x86_64 (glibc), 48 or newer" in str(caught.value.hint)


@pytest.mark.parametrize("how", ["damaged", "missing"])
def test_when_it_is_lost_it_is_not_replaced_silently(bench: Bench, how: str) -> None:
    use(bench, release(bench, "50.1.2"))
    found = bench.open()
    if how == "damaged":
        damage(found.wasmtime)
    else:
        found.wasmtime.unlink()
    (finding,) = [
        each for each in verify(bench.home, sources=bench.sources()) if each.state != "ok"
    ]
    assert (finding.name, finding.state) == ("wasmtime", how)
    with pytest.raises(ToolchainError):
        bench.open()
    with pytest.raises(ToolchainError) as caught:
        install(bench.home, progress=bench.silent, sources=bench.sources())
    assert "capsule toolchain install --wasmtime pinned" in str(caught.value.hint)
    use(bench, release(bench, "50.1.2"))
    assert bench.open() == found


def test_export_leaves_it_out_and_import_keeps_it(bench: Bench) -> None:
    bench.open()
    use(bench, release(bench, "50.1.2"))
    file = bench.folder / "parts.zip"
    names = export_toolchain(bench.home, file, progress=bench.silent, sources=bench.sources())
    assert len(names) == 2
    before = bench.open()
    import_toolchain(bench.home, file, progress=bench.silent, sources=bench.sources())
    assert bench.open() == before
    other = bench.folder / "other"
    import_toolchain(other, file, progress=bench.silent, sources=bench.sources())
    rows = {each.name: each for each in list_parts(other, sources=bench.sources())}
    assert rows["wasmtime"].version == "1.0.0"


def test_remove_takes_it_too(bench: Bench) -> None:
    use(bench, release(bench, "50.1.2"))
    remove(bench.home, progress=bench.silent)
    assert parts(bench)["wasmtime"].version == "1.0.0"


def test_a_record_of_an_older_capsule_has_none(bench: Bench) -> None:
    bench.open()
    record = bench.layout.record
    known = file_index.read(record)
    assert known is not None
    document = json.loads(record.read_text())
    del document["chosen"], document["advisories"]
    record.write_text(json.dumps(document))
    bench.work()
    bench.open()
    assert bench.work() == []
