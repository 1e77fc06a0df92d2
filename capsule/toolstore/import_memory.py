"""Let the interpreter import its memory: what that holds at a start is then for another module.

wasmtime maps the data of a module into its memory, and copies a page of it when it is written. A
module that is nothing but memory is compiled at once, so each snapshot can be one; the interpreter,
which takes long to compile, stays as it is, without data of its own.
"""

from __future__ import annotations

from capsule import wasm
from capsule.wasm import MalformedModuleError, read_uleb

# What the other module is preloaded as, and what it exports.
MODULE, NAME = "memory", "memory"
_MEMORY_KIND = b"\x02"
# One memory, without an upper bound that is not WebAssembly's own: its count, its flags.
_PLAIN = b"\x01\x00"


def import_memory(source: bytes) -> bytes:
    """Return the module `source` with its memory imported, as `memory.memory`, and without data.

    Custom sections go too. Raises `MalformedModuleError` when it is not a module, or not one with a
    memory of its own and with data that is all there at its start.
    """
    sections = [section for section in wasm.sections(source) if section.kind != wasm.CUSTOM]
    found = {section.kind: source[section.start : section.end] for section in sections}
    if wasm.MEMORY not in found or wasm.IMPORT not in found:
        raise MalformedModuleError("the module has no imports, or no memory")
    if wasm.DATA_COUNT in found or wasm.START in found:
        raise MalformedModuleError("the module takes its data while it runs")
    memory = found[wasm.MEMORY]
    if not memory.startswith(_PLAIN):
        raise MalformedModuleError(f"its memory is of no plain kind: {memory[:2].hex()}")
    count, at = read_uleb(found[wasm.IMPORT], 0, len(found[wasm.IMPORT]))
    limits = memory[1:]
    imported = wasm.name(MODULE) + wasm.name(NAME) + _MEMORY_KIND + limits
    found[wasm.IMPORT] = wasm.uleb(count + 1) + found[wasm.IMPORT][at:] + imported
    return wasm.HEADER + b"".join(
        wasm.section(kind, found[kind])
        for kind, _, _ in sections
        if kind not in (wasm.MEMORY, wasm.DATA)
    )
