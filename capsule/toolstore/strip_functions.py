"""Make `core` from the interpreter: without the scientific packages that are compiled into it.

The functions in the pinned range go, and with them four fifths of the code, of the time that
wasmtime takes to compile it, and of the tables that wasmtime reads at each start. Those behind the
range move up, so whatever names a function is told its new number. Python's own code calls some of
those that go, where such a package would be imported: these calls lead to a trap. A function
pointer is a place in the table; those places stay, and where a function is gone the table has none.
Custom sections (names, mostly) go too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from capsule import wasm
from capsule.namedtuples import NamedTuple
from capsule.toolstore.function_references import named
from capsule.wasm import MalformedModuleError, read_sleb, read_uleb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capsule.toolstore.pins import Core

# A function of 3 bytes: no locals, `unreachable`, `end`.
_TRAP = b"\x03\x00\x00\x0b"
# The kind of an import or export; the instructions around a constant.
_FUNCTION = 0
_CONST, _END = b"\x41", b"\x0b"
# Tables and globals as far as nothing in them names a function: without a first value, and with a
# number as theirs.
_NUMBER = rb"[\x80-\xff]*+[\x00-\x7f]"
_PLAIN = {
    wasm.TABLE: re.compile(rb"[\x6f\x70](?:\x00%b|\x01%b%b)" % ((_NUMBER,) * 3)),
    wasm.GLOBAL: re.compile(
        rb"[\x7c-\x7f][\x00\x01](?:[\x23\x41\x42]%b|\x43[\s\S]{4}|\x44[\s\S]{8})\x0b" % _NUMBER
    ),
}


def strip_functions(source: bytes, core: Core) -> bytes:
    """Return `source` without the functions `core.first` to `core.last`, counted without imports.

    Raises `MalformedModuleError` when it is not a module, has fewer functions, or holds what is not
    known here.
    """
    sections = [section for section in wasm.sections(source) if section.kind != wasm.CUSTOM]
    found = {section.kind: section for section in sections}
    if wasm.CODE not in found or wasm.FUNCTION not in found:
        raise MalformedModuleError("the module has no code")
    if wasm.START in found:
        raise MalformedModuleError("a function that the module starts with is not expected")
    for kind, form in _PLAIN.items():
        if kind in found:
            _check(source, found[kind], form)
    imports = _imports(source, found[wasm.IMPORT]) if wasm.IMPORT in found else 0
    types = _numbers(source, found[wasm.FUNCTION])
    if not 0 <= core.first <= core.last < len(types):
        raise MalformedModuleError(
            f"functions {core.first} to {core.last} are to go, the module has {len(types)}"
        )
    code = _Code.read(source, found[wasm.CODE], imports, core)
    cut = _Cut.of(code, types, imports, core)
    made = {wasm.FUNCTION: wasm.vector([wasm.uleb(kind) for kind in cut.kept(types)])}
    if wasm.ELEMENT in found:
        made[wasm.ELEMENT] = _elements(source, found[wasm.ELEMENT], cut)
    if wasm.EXPORT in found:
        made[wasm.EXPORT] = _exports(source, found[wasm.EXPORT], cut)
    made[wasm.CODE] = code.without(source, cut)
    return wasm.HEADER + b"".join(
        wasm.section(kind, made[kind] if kind in made else source[start:end])
        for kind, start, end in sections
    )


class _Cut(NamedTuple):
    """Which functions go, by numbers that count imports too, and which traps come in their place.

    `traps` has the place among the traps of each type that one is needed of.
    """

    first: int
    last: int
    traps: Mapping[int, int]
    types: list[int]
    imports: int

    @classmethod
    def of(cls, code: _Code, types: list[int], imports: int, core: Core) -> _Cut:
        """Return the cut: a trap for each type of the functions that go and are called."""
        gone = [index for index, _, _ in code.names if index <= imports + core.last]
        needed = sorted({types[index - imports] for index in gone})
        traps = {kind: place for place, kind in enumerate(needed)}
        return cls(imports + core.first, imports + core.last, traps, types, imports)

    def kept(self, types: list[int]) -> list[int]:
        """Return the types of the functions that there are now."""
        first, last = self.first - self.imports, self.last - self.imports
        return [*types[:first], *self.traps, *types[last + 1 :]]

    def is_gone(self, index: int) -> bool:
        return self.first <= index <= self.last

    def moved(self, index: int) -> int:
        """Return the new number of a function, or that of the trap in its place."""
        if index < self.first:
            return index
        if index > self.last:
            return index - (self.last - self.first + 1) + len(self.traps)
        kind = self.types[index - self.imports]
        if kind not in self.traps:
            raise MalformedModuleError(f"function {index} is to go, and is named where no call is")
        return self.first + self.traps[kind]


class _Code(NamedTuple):
    """The code section: where its functions lie, and where those that stay name one to move."""

    functions: int
    start: int
    first: int
    behind: int
    end: int
    names: list[tuple[int, int, int]]

    @classmethod
    def read(cls, source: bytes, section: wasm.Section, imports: int, core: Core) -> _Code:
        count, at = read_uleb(source, section.start, section.end)
        start, first, behind = at, at, at
        names = []
        for index in range(count):
            if index == core.first:
                first = at
            size, at = read_uleb(source, at, section.end)
            if at + size > section.end:
                raise MalformedModuleError(f"function {index} runs past the code section")
            if not core.first <= index <= core.last:
                names += [
                    found
                    for found in named(source, at, at + size)
                    if found[0] >= imports + core.first
                ]
            at += size
            if index == core.last:
                behind = at
        return cls(count, start, first, behind, at, names)

    def without(self, source: bytes, cut: _Cut) -> bytes:
        """Return the body of the section without the functions that go."""
        code = bytearray(source[self.start : self.end])
        for index, begin, end in self.names:
            width = end - begin
            number = _padded(cut.moved(index), width)
            code[begin - self.start : end - self.start] = number
        before, after = code[: self.first - self.start], code[self.behind - self.start :]
        count = self.functions - (cut.last - cut.first + 1) + len(cut.traps)
        return b"".join((wasm.uleb(count), before, _TRAP * len(cut.traps), after))


def _padded(value: int, width: int) -> bytes:
    """Encode a number in so many bytes, so that nothing behind it moves."""
    plain = wasm.uleb(value)
    if len(plain) > width:
        raise MalformedModuleError(f"there is no room for {value} in {width} bytes")
    padding = width - len(plain)
    if not padding:
        return plain
    return plain[:-1] + bytes([plain[-1] | 0x80]) + b"\x80" * (padding - 1) + b"\x00"


def _numbers(source: bytes, section: wasm.Section) -> list[int]:
    count, at = read_uleb(source, section.start, section.end)
    found = []
    for _ in range(count):
        number, at = read_uleb(source, at, section.end)
        found.append(number)
    return found


def _imports(source: bytes, section: wasm.Section) -> int:
    """Return how many functions are imported."""
    count, at = read_uleb(source, section.start, section.end)
    functions = 0
    for _ in range(count):
        for _ in ("module", "name"):
            size, at = read_uleb(source, at, section.end)
            at += size
        kind, at = read_uleb(source, at, section.end)
        if kind != _FUNCTION:
            raise MalformedModuleError(f"an import of kind {kind} is not expected")
        _, at = read_uleb(source, at, section.end)
        functions += 1
    return functions


def _check(source: bytes, section: wasm.Section, form: re.Pattern[bytes]) -> None:
    count, at = read_uleb(source, section.start, section.end)
    for _ in range(count):
        item = form.match(source, at, section.end)
        if item is None:
            raise MalformedModuleError(f"what stands at byte {at} is not expected in a section")
        at = item.end()


def _elements(source: bytes, section: wasm.Section, cut: _Cut) -> bytes:
    """Return the functions of the table that are left, in a segment for each unbroken row."""
    count, at = read_uleb(source, section.start, section.end)
    rows: list[tuple[int, list[int]]] = []
    for _ in range(count):
        flags, at = read_uleb(source, at, section.end)
        if flags != 0 or source[at : at + 1] != _CONST:
            raise MalformedModuleError(f"a segment of elements of kind {flags} is not expected")
        place, at = read_sleb(source, at + 1, section.end)
        if source[at : at + 1] != _END:
            raise MalformedModuleError("the place of a segment of elements is not a constant")
        length, at = read_uleb(source, at + 1, section.end)
        unbroken = False
        for offset in range(length):
            index, at = read_uleb(source, at, section.end)
            if not cut.is_gone(index):
                if not unbroken:
                    rows.append((place + offset, []))
                rows[-1][1].append(cut.moved(index))
            unbroken = not cut.is_gone(index)
    return wasm.vector(
        [
            b"\x00" + _CONST + wasm.sleb(place) + _END + wasm.vector(list(map(wasm.uleb, row)))
            for place, row in rows
        ]
    )


def _exports(source: bytes, section: wasm.Section, cut: _Cut) -> bytes:
    count, at = read_uleb(source, section.start, section.end)
    made = []
    for _ in range(count):
        begin = at
        size, at = read_uleb(source, at, section.end)
        kind, at = read_uleb(source, at + size, section.end)
        named_so = source[begin:at]
        index, at = read_uleb(source, at, section.end)
        made.append(named_so + wasm.uleb(cut.moved(index) if kind == _FUNCTION else index))
    return wasm.vector(made)
