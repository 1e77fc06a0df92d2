"""The interpreter without its memory: what is left, and what is refused."""

from __future__ import annotations

import pytest

from capsule import wasm
from capsule.toolstore.import_memory import import_memory

IMPORTS = wasm.section(wasm.IMPORT, wasm.vector([wasm.name("a") + wasm.name("b") + b"\x00\x00"]))
MEMORY = wasm.section(wasm.MEMORY, b"\x01\x00\x02")
CODE = wasm.section(wasm.CODE, b"\x00")
DATA = wasm.section(wasm.DATA, wasm.vector([b"\x00\x41\x00\x0b" + wasm.sized(b"abc")]))
NAMES = wasm.section(wasm.CUSTOM, wasm.name("name"))


def test_the_memory_is_imported_and_the_data_gone() -> None:
    made = import_memory(wasm.HEADER + IMPORTS + MEMORY + CODE + DATA + NAMES)
    imports = [
        wasm.name("a") + wasm.name("b") + b"\x00\x00",
        wasm.name("memory") + wasm.name("memory") + b"\x02\x00\x02",
    ]
    assert made == wasm.HEADER + wasm.section(wasm.IMPORT, wasm.vector(imports)) + CODE


@pytest.mark.parametrize(
    "module",
    [
        b"\x7fELF",
        wasm.HEADER,
        wasm.HEADER + MEMORY,
        wasm.HEADER + IMPORTS,
        wasm.HEADER + IMPORTS + wasm.section(wasm.MEMORY, b"\x02\x00\x02\x00\x02"),
        wasm.HEADER + IMPORTS + wasm.section(wasm.MEMORY, b"\x01\x01\x02\x04"),
        wasm.HEADER + IMPORTS + MEMORY + wasm.section(wasm.START, b"\x00"),
        wasm.HEADER + IMPORTS + MEMORY + wasm.section(wasm.DATA_COUNT, b"\x01") + DATA,
    ],
)
def test_what_is_not_understood_is_refused(module: bytes) -> None:
    with pytest.raises(wasm.MalformedModuleError):
        import_memory(module)
