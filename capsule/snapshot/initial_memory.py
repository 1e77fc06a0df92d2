"""The interpreter's memory before anything of it runs: its own data segments, and zero."""

from __future__ import annotations

import mmap

from capsule import wasm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_ACTIVE, _PASSIVE = 0, 1
_I32_CONST, _END = 0x41, 0x0B


def initial_memory(interpreter: Path) -> bytearray:
    """Return what the memory of the module in `interpreter` holds at its start.

    Raises `MalformedModuleError` for a module whose memory is not made of plain active segments.
    """
    with (
        interpreter.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as module,
    ):
        memory = bytearray()
        for section in wasm.sections(module):
            if section.kind == wasm.MEMORY:
                # One memory: its count, its flags, and the pages that it starts with.
                least, _ = wasm.read_uleb(module, section.start + 2, section.end)
                memory = bytearray(least * wasm.PAGE)
            elif section.kind == wasm.START:
                raise wasm.MalformedModuleError("the interpreter has a start function")
            elif section.kind == wasm.DATA:
                _fill(memory, module, section)
        return memory


def _fill(memory: bytearray, module: memoryview, section: wasm.Section) -> None:
    count, at = wasm.read_uleb(module, section.start, section.end)
    for number in range(count):
        if module[at] == _PASSIVE:
            size, at = wasm.read_uleb(module, at + 1, section.end)
            at += size
            continue
        if module[at] != _ACTIVE or module[at + 1] != _I32_CONST:
            raise wasm.MalformedModuleError(f"data segment {number} is of no plain kind")
        offset, at = wasm.read_sleb(module, at + 2, section.end)
        if module[at] != _END:
            raise wasm.MalformedModuleError(f"the place of data segment {number} is not a constant")
        size, at = wasm.read_uleb(module, at + 1, section.end)
        if offset < 0 or offset + size > len(memory) or at + size > section.end:
            raise wasm.MalformedModuleError(f"data segment {number} does not fit")
        memory[offset : offset + size] = module[at : at + size]
        at += size
