"""Where something stands in a WebAssembly module: functions by name, bodies, initial memory."""

from __future__ import annotations

from capsule import wasm
from capsule.errors import ToolchainError


def functions(module: bytes, names: set[str]) -> dict[str, int]:
    """Return where the functions of these names stand in the code section, counted from 0."""
    imported = 0
    found: dict[str, list[int]] = {name: [] for name in names}
    for section in wasm.sections(module):
        if section.kind == wasm.IMPORT:
            imported = imported_functions(module, section)
        elif section.kind == wasm.CUSTOM:
            title, at = text(module, section.start, section.end)
            if title == "name":
                for index, name in function_names(module, at, section.end):
                    if name in found:
                        found[name].append(index - imported)
    for name, places in found.items():
        if len(places) != 1:
            raise ToolchainError(
                f"the interpreter has {len(places)} functions called {name!r}",
                hint="choose other functions in pins.toml: where a package is, or what is patched",
            )
    return {name: places[0] for name, places in found.items()}


def zeroed(module: bytes, name: str) -> list[int]:
    """Return the addresses that a function writes zero to, in the constants of its code.

    `i32.const 0, i32.const 0, i32.store` (or `store8`) with the address as the offset is how a
    compiler clears a static variable.
    """
    index = functions(module, {name})[name]
    at = bodies(module, {index})[index]
    return _cleared(module[at : bodies(module, {index + 1})[index + 1]])


def bodies(module: bytes, indices: set[int]) -> dict[int, int]:
    """Return where in the file the bodies of functions begin, by their number."""
    found = {}
    for section in wasm.sections(module):
        if section.kind == wasm.CODE:
            count, at = wasm.read_uleb(module, section.start, section.end)
            for index in range(count):
                size, at = wasm.read_uleb(module, at, section.end)
                if index in indices:
                    found[index] = at
                at += size
    return found


def of_address(module: bytes, address: int) -> int:
    """Return where in the file the initial content of an address of memory stands."""
    for section in wasm.sections(module):
        if section.kind != wasm.DATA:
            continue
        count, at = wasm.read_uleb(module, section.start, section.end)
        for _ in range(count):
            kind, at = wasm.read_uleb(module, at, section.end)
            begin = None
            if kind == 0:  # in place from the start: a constant, and the end of the expression
                begin, at = wasm.read_sleb(module, at + 1, section.end)
                at += 1
            size, at = wasm.read_uleb(module, at, section.end)
            if begin is not None and begin <= address < begin + size:
                return at + address - begin
            at += size
    raise ToolchainError(f"nothing stands at address {address} of the interpreter's memory")


def _cleared(body: bytes) -> list[int]:
    found = []
    for pattern in (b"\x41\x00\x41\x00\x36\x02", b"\x41\x00\x41\x00\x3a\x00"):
        at = body.find(pattern)
        while at >= 0:
            found.append(wasm.read_uleb(body, at + len(pattern), len(body))[0])
            at = body.find(pattern, at + 1)
    return found


def function_names(module: bytes, at: int, end: int) -> list[tuple[int, str]]:
    """Return index and name of each function in the body of a name section."""
    while at < end:
        kind, (size, at) = module[at], wasm.read_uleb(module, at + 1, end)
        if kind == 1:
            count, at = wasm.read_uleb(module, at, end)
            names = []
            for _ in range(count):
                index, at = wasm.read_uleb(module, at, end)
                name, at = text(module, at, end)
                names.append((index, name))
            return names
        at += size
    return []


def imported_functions(module: bytes, section: wasm.Section) -> int:
    """Count the functions in an import section: they come first in the order of functions."""
    count, at = wasm.read_uleb(module, section.start, section.end)
    functions = 0
    for _ in range(count):
        _, at = text(module, at, section.end)
        _, at = text(module, at, section.end)
        kind, at = module[at], at + 1
        functions += kind == 0
        # A function is one number; a table and a memory are limits, a table's behind its type; a
        # global is a type and a flag; a tag is a byte and a number.
        if kind in (1, 3, 4):
            at += 1
        if kind in (1, 2):
            flags, at = wasm.read_uleb(module, at, section.end)
            if flags & 1:
                _, at = wasm.read_uleb(module, at, section.end, bits=64)
        _, at = wasm.read_uleb(module, at, section.end, bits=64)
    return functions


def text(module: bytes, at: int, end: int) -> tuple[str, int]:
    """Decode a name at `at`; return it and where it ends."""
    size, at = wasm.read_uleb(module, at, end)
    return module[at : at + size].decode(errors="replace"), at + size
