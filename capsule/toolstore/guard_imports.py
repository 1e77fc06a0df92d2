"""Let the interpreter ask the guard for what it asked the system for.

Its imports of WASI name a module of ours in place of it. It has no others but those that are named
here, so whatever runs inside of it reaches the system by the guard alone.
"""

from __future__ import annotations

from capsule import wasm
from capsule.toolstore.wasi_calls import CALLS, GUARD, WASI
from capsule.wasm import MalformedModuleError, read_uleb

_FUNCTION = b"\x00"
# What capsule answers itself: see `capsule.snapshot.fuel_meter`.
_HOST = ("host", "call")


def guard_imports(source: bytes) -> bytes:
    """Return the module `source` with its imports of WASI from the guard.

    Raises `MalformedModuleError` when it is not a module, or imports what capsule does not know.
    """
    made = [wasm.HEADER]
    for kind, start, end in wasm.sections(source):
        body = source[start:end]
        made.append(wasm.section(kind, _renamed(body) if kind == wasm.IMPORT else body))
    return b"".join(made)


def _renamed(body: bytes) -> bytes:
    count, at = read_uleb(body, 0, len(body))
    imports = []
    for _ in range(count):
        module, at = _name(body, at)
        name, at = _name(body, at)
        if body[at : at + 1] != _FUNCTION:
            raise MalformedModuleError(f"{module}.{name} is imported, and is no function")
        kind, at = read_uleb(body, at + 1, len(body))
        if module == WASI and name in CALLS:
            module = GUARD
        elif (module, name) != _HOST:
            raise MalformedModuleError(f"{module}.{name} is imported, and is not known")
        imports.append(wasm.name(module) + wasm.name(name) + _FUNCTION + wasm.uleb(kind))
    return wasm.vector(imports)


def _name(body: bytes, at: int) -> tuple[str, int]:
    length, start = read_uleb(body, at, len(body))
    return body[start : start + length].decode(errors="replace"), start + length
