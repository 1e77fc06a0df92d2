"""Make `core` from the interpreter: without the scientific packages that are compiled into it.

The module keeps its layout. Only the bodies of the functions in the pinned range become a trap, and
custom sections (names, mostly) go: that takes four fifths of the code away, and as much of the time
that wasmtime needs to compile it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule import wasm

if TYPE_CHECKING:
    from capsule.toolstore.pins import Core

# A function of 3 bytes: no locals, `unreachable`, `end`.
_TRAP = b"\x03\x00\x00\x0b"


def slim(source: bytes, core: Core) -> bytes:
    """Return `source` with the bodies of functions `core.first` to `core.last` replaced.

    Raises `wasm.MalformedModuleError` when it is not a module, or has fewer functions.
    """
    pieces: list[bytes | memoryview] = [wasm.HEADER]
    view = memoryview(source)
    at = len(wasm.HEADER)
    for section in wasm.sections(source):
        if section.kind == wasm.CODE:
            body = _trapped(view, section, core)
            pieces += [bytes([wasm.CODE]), wasm.uleb(sum(map(len, body))), *body]
        elif section.kind != wasm.CUSTOM:
            pieces.append(view[at : section.end])
        at = section.end
    return b"".join(pieces)


def _trapped(view: memoryview, section: wasm.Section, core: Core) -> list[bytes | memoryview]:
    """Return the body of the code section in pieces, the range replaced."""
    count, at = wasm.read_uleb(view, section.start, section.end)
    if not 0 <= core.first <= core.last < count:
        raise wasm.MalformedModuleError(
            f"functions {core.first} to {core.last} are to go, the module has {count}"
        )
    begin = at
    for index in range(core.last + 1):
        if index == core.first:
            begin = at
        size, at = wasm.read_uleb(view, at, section.end)
        at += size
    if at > section.end:
        raise wasm.MalformedModuleError(f"function {core.last} runs past the code section")
    traps = _TRAP * (core.last - core.first + 1)
    return [view[section.start : begin], traps, view[at : section.end]]
