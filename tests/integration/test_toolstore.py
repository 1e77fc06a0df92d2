"""The store with the real parts: pinned wasmtime, pinned interpreter, the user's own pip."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule import wasm
from capsule.errors import ToolchainError
from capsule.paths import toolchain_data
from capsule.progress import Silent
from capsule.snapshot.guard_module import passing_module
from capsule.snapshot.initial_memory import initial_memory
from capsule.snapshot.memory_image import Image, compile_image
from capsule.toolstore import element_rows, fetch, pins, run_program, verify_hash, wasmtime_override
from capsule.toolstore.archive import export_toolchain, import_toolchain
from capsule.toolstore.compile import compile_module
from capsule.toolstore.element_rows import Row, sparse_table
from capsule.toolstore.flavours import codegen
from capsule.toolstore.manage import list_parts, verify
from capsule.toolstore.open_toolchain import open_toolchain
from capsule.toolstore.sources import ToolchainSources

if TYPE_CHECKING:
    from capsule.toolstore.toolchain import Toolchain

pytestmark = pytest.mark.integration


@pytest.fixture
def toolchain(toolchain_home: Path) -> Toolchain:
    return open_toolchain(toolchain_home, progress=Silent())


@pytest.fixture(scope="module")
def pinned() -> pins.Pins:
    return pins.load(toolchain_data() / "pins.toml")


def run(toolchain: Toolchain, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [toolchain.wasmtime, "run", "-W", "exceptions=y,fuel=10000000000", *arguments]
    return subprocess.run(
        argv,
        env=run_program.bare_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def code(*bodies: bytes) -> bytes:
    return wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in bodies]))


def function(module: str, name: str, kind: int) -> bytes:
    return wasm.name(module) + wasm.name(name) + b"\x00" + wasm.uleb(kind)


def host_module() -> bytes:
    """Return the module that answers the interpreter's `host.call` with -1."""
    return (
        wasm.HEADER
        + wasm.section(wasm.TYPE, wasm.vector([b"\x60\x04\x7f\x7f\x7f\x7f\x01\x7f"]))
        + wasm.section(wasm.FUNCTION, wasm.vector([b"\x00"]))
        + wasm.section(wasm.EXPORT, wasm.vector([wasm.name("call") + b"\x00\x00"]))
        + code(b"\x00\x41\x7f\x0b")
    )


def program(source: bytes) -> bytes:
    """Return a module whose `_start` has the interpreter run `source`, and traps if that fails."""
    length = b"\x41" + wasm.sleb(len(source))
    body = (
        b"\x01\x01\x7f"  # one local: where the interpreter made room
        + (length + b"\x10\x01\x22\x00\x41\x00" + length + b"\xfc\x08\x00\x00")  # memory.init
        + (b"\x20\x00" + length + b"\x10\x00")  # turn(place, length)
        + b"\x04\x40\x00\x0b\x0b"  # if it is not 0: unreachable
    )
    types = [b"\x60\x02\x7f\x7f\x01\x7f", b"\x60\x01\x7f\x01\x7f", b"\x60\x00\x00"]
    imports = [
        function("python", "turn", 0),
        function("python", "host_alloc", 1),
        wasm.name("python") + wasm.name("memory") + b"\x02\x00\x00",
    ]
    exports = [wasm.name("memory") + b"\x02\x00", wasm.name("_start") + b"\x00\x02"]
    return (
        wasm.HEADER
        + wasm.section(wasm.TYPE, wasm.vector(types))
        + wasm.section(wasm.IMPORT, wasm.vector(imports))
        + wasm.section(wasm.FUNCTION, wasm.vector([b"\x02"]))
        + wasm.section(wasm.EXPORT, wasm.vector(exports))
        + wasm.section(wasm.DATA_COUNT, wasm.uleb(1))
        + code(body)
        + wasm.section(wasm.DATA, wasm.vector([b"\x01" + wasm.sized(source)]))
    )


def test_every_part_is_what_is_pinned(toolchain_home: Path) -> None:
    found = verify(toolchain_home)
    assert {finding.name: finding.difference for finding in found if finding.state != "ok"} == {}
    assert {"wasmtime", "standard library", "compiled core"} <= {each.name for each in found}


def test_every_part_is_listed_as_ready(toolchain_home: Path) -> None:
    states = {part.name: part.state for part in list_parts(toolchain_home)}
    states.pop("compiled science")  # made the first time that something needs it
    assert {state for name, state in states.items() if name != "toolchain"} == {"ready"}


def test_wasmtime_is_of_the_pinned_version(toolchain: Toolchain, pinned: pins.Pins) -> None:
    found = wasmtime_override.inspect(toolchain.wasmtime, pinned.wasmtime.oldest)
    assert found.version == pinned.wasmtime.reports


def test_packages_lie_where_the_interpreters_own_names_say(
    toolchain: Toolchain, pinned: pins.Pins
) -> None:
    script = Path(__file__).resolve().parents[2] / "scripts" / "refresh_pins.py"
    spec = importlib.util.spec_from_file_location("refresh_pins", script)
    assert spec is not None
    assert spec.loader is not None
    refresh_pins = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh_pins)
    module = (toolchain.root / "interpreter.wasm").read_bytes()
    natives = pinned.interpreter.natives
    assert refresh_pins.natives(module, natives) == natives
    assert refresh_pins.cuts(module, natives) == pinned.interpreter.cuts
    assert refresh_pins.render(pinned) == (toolchain_data() / "pins.toml").read_text()


def test_core_runs_python_with_its_library(toolchain: Toolchain, tmp_path: Path) -> None:
    host, main, memory, guard = (
        tmp_path / f"{name}.cwasm" for name in ("host", "main", "memory", "guard")
    )
    made_so = codegen(toolchain.flavour)

    def make(source: bytes, target: Path) -> None:
        compile_module(toolchain.wasmtime, source, target, codegen=made_so)

    make(host_module(), host)
    make(passing_module(), guard)
    initial = initial_memory(toolchain.root / "interpreter.wasm")
    compile_image(toolchain.wasmtime, Image(initial), memory, codegen=made_so)
    source = b"import json, sqlite3, asyncio, hashlib\nprint(json.dumps({'n': 6 * 7}))\n"
    make(program(source), main)
    ran = run(
        toolchain,
        *("-C", made_so),
        "--allow-precompiled",
        *("--dir", f"{toolchain.stdlib}::/usr/local/lib"),
        *("--preload", f"memory={memory}"),
        *("--preload", f"guard={guard}"),
        *("--preload", f"host={host}"),
        *("--preload", f"python={toolchain.interpreter}"),
        main,
    )
    assert (ran.returncode, ran.stdout) == (0, '{"n": 42}\n'), ran.stderr


def test_what_wasmtime_refuses_is_said_in_its_own_words(
    toolchain: Toolchain, tmp_path: Path
) -> None:
    target = tmp_path / "broken.cwasm"
    with pytest.raises(ToolchainError, match=r"it ended with status 1: .*unexpected end"):
        compile_module(toolchain.wasmtime, wasm.HEADER + b"\x01\x05", target)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_for_another_system_comes_from_the_same_pip(
    pinned: pins.Pins, tmp_path: Path
) -> None:
    """What `refresh_pins` and the pins rely on: which machine asks does not matter."""
    build = pins.pin_for(pinned, "windows", "aarch64", "")
    path = fetch.fetch(build.wheel, tmp_path, Silent())
    verify_hash.check(path, build.wheel.size, build.wheel.sha256)


def test_a_toolchain_moves_through_a_file(toolchain_home: Path, tmp_path: Path) -> None:
    """Without a compile, which other tests have seen: parts arrive, and no index is asked."""
    file, home = tmp_path / "toolchain.zip", tmp_path / "home"
    assert len(export_toolchain(toolchain_home, file, progress=Silent())) == 2
    sources = ToolchainSources(environ={"PATH": ""})
    import_toolchain(home, file, (), progress=Silent(), sources=sources)
    states = {finding.name: finding.state for finding in verify(home)}
    assert states["interpreter wheel"] == states["wasmtime wheel"] == "ok"
    assert states["interpreter"] == "ok"


def test_wasmtime_reads_less_of_it(wasmtime: Path, tmp_path: Path) -> None:
    # A table with one function at its begin and one at its end, which a main module calls.
    kind = wasm.section(wasm.TYPE, b"\x01\x60\x00\x00")
    sizes = []
    functions = wasm.section(wasm.FUNCTION, wasm.vector([b"\x00"] * 2))
    places = wasm.section(wasm.TABLE, b"\x01\x70\x00" + wasm.uleb(60_000))
    start = wasm.section(wasm.EXPORT, wasm.vector([wasm.name("_start") + b"\x00\x01"]))
    rows = wasm.section(wasm.ELEMENT, element_rows.encode([Row(1, [0]), Row(59_000, [0])]))
    call = b"\x41" + wasm.sleb(59_000) + b"\x11\x00\x00"
    code = wasm.section(wasm.CODE, wasm.vector([_function(b""), _function(call)]))
    whole = wasm.HEADER + kind + functions + places + start + rows + code
    for number, source in enumerate((whole, sparse_table(whole))):
        module, made = tmp_path / f"{number}.wasm", tmp_path / f"{number}.cwasm"
        module.write_bytes(source)
        subprocess.run([wasmtime, "compile", "-C", "cache=n", module, "-o", made], check=True)
        run = (wasmtime, "run", "-C", "cache=n", "--allow-precompiled", made)
        subprocess.run(run, check=True)
        sizes.append(made.stat().st_size)
    assert sizes[0] - sizes[1] > 59_000 * 4


def _function(body: bytes) -> bytes:
    content = b"\x00" + body + b"\x0b"
    return wasm.uleb(len(content)) + content
