"""Functions become traps; everything else stays where it was."""

from __future__ import annotations

import pytest

from capsule import wasm
from capsule.toolstore.pins import Core
from capsule.toolstore.slim import slim

TRAP = b"\x00\x00\x0b"


def module(bodies: list[bytes]) -> bytes:
    return (
        wasm.HEADER
        + wasm.section(wasm.CUSTOM, wasm.name("first") + b"x" * 300)
        + wasm.section(wasm.TYPE, wasm.vector([b"\x60\x00\x00"]))
        + wasm.section(wasm.FUNCTION, wasm.vector([b"\x00"] * len(bodies)))
        + wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in bodies]))
        + wasm.section(wasm.DATA, wasm.vector([b"\x01\x03abc"]))
        + wasm.section(wasm.CUSTOM, wasm.name("name") + b"y" * 300)
    )


def cut(first: int, last: int) -> Core:
    return Core(first, "", last, "", 0, "")


# Bodies of all lengths, so that their own lengths take one byte, two and three.
BODIES = [b"\x00" + b"\x01" * count + b"\x0b" for count in (1, 5, 126, 300, 20_000, 2, 0)]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (2, 4), (0, 6), (6, 6), (3, 5)])
def test_the_range_traps_and_the_rest_stays(first: int, last: int) -> None:
    expected = [TRAP if first <= k <= last else body for k, body in enumerate(BODIES)]
    found = slim(module(BODIES), cut(first, last))
    kinds = [section.kind for section in wasm.sections(found)]
    assert kinds == [wasm.TYPE, wasm.FUNCTION, wasm.CODE, wasm.DATA]
    code = wasm.section(wasm.CODE, wasm.vector([wasm.sized(body) for body in expected]))
    assert code in found
    assert found.endswith(wasm.section(wasm.DATA, wasm.vector([b"\x01\x03abc"])))


@pytest.mark.parametrize(("first", "last"), [(0, 7), (7, 7), (5, 4), (-1, 2)])
def test_a_range_that_the_module_does_not_have(first: int, last: int) -> None:
    with pytest.raises(wasm.MalformedModuleError, match="the module has 7"):
        slim(module(BODIES), cut(first, last))


def test_a_function_that_runs_past_its_section() -> None:
    body = wasm.uleb(2) + wasm.sized(b"\x00\x0b") + b"\x40\x00\x0b"
    broken = wasm.HEADER + wasm.section(wasm.CODE, body)
    with pytest.raises(wasm.MalformedModuleError, match="runs past"):
        slim(broken, cut(0, 1))


def test_what_is_no_module() -> None:
    with pytest.raises(wasm.MalformedModuleError, match="not a WebAssembly module"):
        slim(b"PK\x03\x04 and more", cut(0, 0))
