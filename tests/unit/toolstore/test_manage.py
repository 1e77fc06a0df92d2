"""Install, list, verify, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore.manage import Finding, install, list_parts, remove, verify
from capsule.toolstore.platform_tag import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.toolstore.conftest import Bench

NAMES = [
    "wasmtime wheel",
    "wasmtime",
    "interpreter wheel",
    "interpreter",
    "standard library",
    "manifest",
]


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def findings(bench: Bench) -> dict[str, Finding]:
    return {found.name: found for found in verify(bench.home, sources=bench.sources())}


def states(bench: Bench) -> dict[str, str]:
    return {part.name: part.state for part in list_parts(bench.home, sources=bench.sources())}


def test_install_into_nothing(bench: Bench) -> None:
    parts = install(bench.home, progress=bench.silent, sources=bench.sources())
    assert sorted(bench.work()) == ["compile core.wasm", "fetch tiny-python", "fetch tiny-wasmtime"]
    ready = {part.name: part.path for part in parts if part.state == "ready"}
    assert list(ready) == [*NAMES, "compiled core"]
    assert all(path.is_file() for path in ready.values())
    bench.open()
    assert bench.work() == []


def test_install_of_both_flavours(bench: Bench) -> None:
    install(bench.home, ["science", "core"], progress=bench.silent, sources=bench.sources())
    assert states(bench)["compiled science"] == "ready"
    bench.work()
    bench.open()
    bench.open("science")
    assert bench.work() == []


def test_install_where_all_is_well_does_nothing(bench: Bench) -> None:
    bench.open()
    bench.work()
    install(bench.home, progress=bench.silent, sources=bench.sources())
    assert bench.work() == []


@pytest.mark.parametrize("name", [*NAMES, "compiled core", "compiled science"])
@pytest.mark.parametrize("how", ["damaged", "missing"])
def test_install_repairs(bench: Bench, name: str, how: str) -> None:
    bench.open()
    bench.open("science")
    path = findings(bench)[name].path
    good = path.read_bytes()
    if how == "damaged":
        damage(path)
    else:
        path.unlink()
    assert findings(bench)[name].state == how
    assert {found.state for found in findings(bench).values()} == {"ok", how}
    install(bench.home, progress=bench.silent, sources=bench.sources())
    assert path.read_bytes() == good
    assert {found.state for found in findings(bench).values()} == {"ok"}
    bench.open()
    bench.open("science")


def test_verify_says_what_differs(bench: Bench) -> None:
    wasmtime = bench.open().wasmtime
    damage(wasmtime)
    found = findings(bench)["wasmtime"]
    assert (found.state, found.path) == ("damaged", wasmtime)
    expected = bench.document["wasmtime"]["build"][0]["binary"]["sha256"]
    assert found.difference.startswith(f"expected SHA-256 {expected}, found ")


def test_verify_of_nothing(bench: Bench) -> None:
    assert {name: found.state for name, found in findings(bench).items()} == dict.fromkeys(
        NAMES, "missing"
    )
    assert not bench.home.exists()


def test_list_of_nothing(bench: Bench) -> None:
    names = [*NAMES, "compiled core", "compiled science"]
    assert states(bench) == dict.fromkeys(names, "missing")
    assert not bench.home.exists()


def test_list_tells_versions_sizes_and_paths(bench: Bench) -> None:
    root = bench.open().root
    rows = {part.name: part for part in list_parts(bench.home, sources=bench.sources())}
    assert (rows["wasmtime"].version, rows["wasmtime"].path) == ("1.0.0", root / "wasmtime")
    assert rows["standard library"].size == 2_100
    assert rows["compiled core"].size == (root / "core.cwasm").stat().st_size
    assert (rows["compiled science"].state, rows["compiled science"].size) == ("missing", 0)


def test_list_sees_a_change_without_hashing(bench: Bench) -> None:
    damage(bench.open().wasmtime)
    assert states(bench)["wasmtime"] == "changed"


def test_list_shows_older_toolchains(bench: Bench) -> None:
    old = bench.open()
    bench.release("2.0.0")
    (row,) = [
        part
        for part in list_parts(bench.home, sources=bench.sources())
        if part.state == "superseded"
    ]
    assert (row.version, row.path) == (old.root.name, old.root)
    files = [path for path in old.root.rglob("*") if path.is_file()]
    assert row.size == sum(path.stat().st_size for path in files)


def test_list_on_a_machine_without_a_build(bench: Bench) -> None:
    sources = bench.sources(machine=Machine("freebsd", "riscv64"))
    names = [part.name for part in list_parts(bench.home, sources=sources)]
    assert "interpreter" in names
    assert "wasmtime" not in names


def test_install_drops_what_is_damaged_and_not_asked_for(bench: Bench) -> None:
    """Code for another wasmtime is compiled again when that one is used again."""
    mine = bench.folder / "mine"
    mine.write_bytes(bench.program("50.0.0"))
    mine.chmod(0o755)
    environ = {"CAPSULE_WASMTIME": str(mine)}
    foreign = bench.open(environ=environ).interpreter
    bench.open()
    damage(foreign)
    install(bench.home, progress=bench.silent, sources=bench.sources())
    assert not foreign.exists()
    assert bench.open(environ=environ).interpreter == foreign


def test_remove_takes_all_of_it(bench: Bench) -> None:
    bench.open()
    bench.release("2.0.0")
    bench.open()
    sizes = [path.stat().st_size for path in bench.layout.base.rglob("*") if path.is_file()]
    gone = remove(bench.home, progress=bench.silent)
    assert sum(removed.size for removed in gone) == sum(sizes)
    assert [path.name for path in bench.layout.base.iterdir()] == ["lock"]
    bench.work()
    bench.open()
    assert len(bench.work()) == 3


def test_remove_of_nothing(bench: Bench) -> None:
    assert remove(bench.home, progress=bench.silent) == []
    assert not bench.home.exists()


def test_remove_where_nothing_can_be_moved(bench: Bench) -> None:
    bench.open()
    bench.layout.lock.unlink()
    bench.layout.lock.mkdir()
    with pytest.raises(ToolchainError, match=r"cannot write to .*toolchain: Is a directory"):
        remove(bench.home, progress=bench.silent)
    assert bench.open().interpreter.exists()
