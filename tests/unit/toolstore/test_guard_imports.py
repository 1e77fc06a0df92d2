"""The interpreter's calls of WASI go to the guard, all of them, and it has no others."""

from __future__ import annotations

import pytest

from capsule import wasm
from capsule.toolstore.guard_imports import guard_imports
from capsule.toolstore.wasi_calls import CALLS, GUARD, WASI

TYPES = wasm.section(wasm.TYPE, wasm.vector([b"\x60\x00\x00"]))
CODE = wasm.section(wasm.CODE, b"\x00")


def importing(*imports: tuple[str, str, bytes]) -> bytes:
    listed = [wasm.name(module) + wasm.name(name) + what for module, name, what in imports]
    return wasm.HEADER + TYPES + wasm.section(wasm.IMPORT, wasm.vector(listed)) + CODE


def test_each_call_goes_to_the_guard() -> None:
    host = ("host", "call", b"\x00\x00")
    before = importing(host, *((WASI, name, b"\x00\x00") for name in CALLS))
    after = guard_imports(before)
    assert after == importing(host, *((GUARD, name, b"\x00\x00") for name in CALLS))
    assert WASI.encode() not in after


@pytest.mark.parametrize(
    ("module", "name", "what"),
    [
        (WASI, "fd_renumber", b"\x00\x00"),
        (WASI, "path_open2", b"\x00\x00"),
        ("wasi_unstable", "fd_read", b"\x00\x00"),
        (GUARD, "start", b"\x00\x00"),
        (GUARD, "fd_read", b"\x00\x00"),
        ("host", "drain", b"\x00\x00"),
        ("memory", "memory", b"\x02\x00\x01"),
        (WASI, "fd_read", b"\x01\x70\x00\x00"),
        ("host", "call", b"\x03\x7f\x01"),
    ],
)
def test_what_is_not_known_is_refused(module: str, name: str, what: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError):
        guard_imports(importing((WASI, "fd_read", b"\x00\x00"), (module, name, what)))


@pytest.mark.parametrize("source", [b"", b"\x7fELF", importing((WASI, "fd_read", b"\x00"))[:-4]])
def test_what_is_no_module_is_refused(source: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError):
        guard_imports(source)
