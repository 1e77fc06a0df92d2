"""Make a smaller interpreter: without scientific packages that are compiled into it.

The functions in the pinned ranges go, and with them the most of the code, of the time that wasmtime
takes to compile it, and of the tables that wasmtime reads at each start. Those behind move up, so
whatever names a function is told its new number. Python's own code calls some of those that go,
where such a package would be imported: these calls lead to a trap. A function pointer is a place in
the table; those places stay, and where a function is gone the table has none. Custom sections
(names, mostly) go too.

A linker takes a function that several archives have from the first of them: a template of C++, or a
helper. What the packages that stay call stays therefore, though it lies in another's range. That
follows calls and cannot follow pointers, so that a package of C++ keeps those that are linked in
front of it and have such templates behind pointers: scipy keeps matplotlib.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from capsule import wasm
from capsule.toolstore import element_rows
from capsule.toolstore.function_references import named
from capsule.wasm import MalformedModuleError, read_uleb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    # The first function that goes, and the last; a function that is named, and where, from and to.
    Range = tuple[int, int]
    Name = tuple[int, int, int]

T = TypeVar("T")

# A function of 3 bytes: no locals, `unreachable`, `end`.
_TRAP = b"\x03\x00\x00\x0b"
# The kind of an import or export.
_FUNCTION = 0
# Tables and globals as far as nothing in them names a function: without a first value, and with a
# number as theirs.
_NUMBER = rb"[\x80-\xff]*+[\x00-\x7f]"
_PLAIN = {
    wasm.TABLE: re.compile(rb"[\x6f\x70](?:\x00%b|\x01%b%b)" % ((_NUMBER,) * 3)),
    wasm.GLOBAL: re.compile(
        rb"[\x7c-\x7f][\x00\x01](?:[\x23\x41\x42]%b|\x43[\s\S]{4}|\x44[\s\S]{8})\x0b" % _NUMBER
    ),
}


def strip_functions(source: bytes, ranges: Sequence[Range], packages: Range) -> bytes:
    """Return `source` without the functions of `ranges`, which are counted without imports.

    A range is its first function and its last, and ranges stand in order, within that of all
    `packages`. What else lies there is of packages that stay: functions that these call stay with
    them, wherever they lie.

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
    gone = _gone(ranges, packages, len(types))
    code = _Code(source, found[wasm.CODE], imports)
    if not len(types) == code.functions:
        raise MalformedModuleError(f"{len(types)} functions are declared, {code.functions} there")
    _keep_called(code, gone, packages)
    cut = _Cut(code, types, imports, gone)
    made = {wasm.FUNCTION: wasm.vector([wasm.uleb(kind) for kind in cut.left(types, cut.traps)])}
    if wasm.ELEMENT in found:
        made[wasm.ELEMENT] = _elements(source, found[wasm.ELEMENT], cut)
    if wasm.EXPORT in found:
        made[wasm.EXPORT] = _exports(source, found[wasm.EXPORT], cut)
    made[wasm.CODE] = code.without(cut)
    return wasm.HEADER + b"".join(
        wasm.section(kind, made[kind] if kind in made else source[start:end])
        for kind, start, end in sections
    )


def _gone(ranges: Sequence[Range], packages: Range, functions: int) -> bytearray:
    """Return a byte for each function: 1 for those that lie in a range."""
    gone = bytearray(functions)
    behind, end = packages[0], min(packages[1] + 1, functions)
    if not ranges:
        raise MalformedModuleError("no function is to go")
    for first, last in ranges:
        if not 0 <= behind <= first <= last < end:
            raise MalformedModuleError(
                f"functions {first} to {last} are to go, of {behind} to {end - 1}: "
                f"the module has {functions}"
            )
        behind = last + 1
        gone[first:behind] = b"\x01" * (behind - first)
    return gone


def _keep_called(code: _Code, gone: bytearray, packages: Range) -> None:
    """Take from `gone` what the packages that stay call, and what that calls.

    What Python's own code calls is how a package is imported: that is in front of them.
    """
    first, last = packages
    if all(gone[first : last + 1]):
        return
    # Behind the packages lie the libraries of C and C++: their functions are called by pointer too.
    pending = [index for index in range(first, len(gone)) if not gone[index]]
    seen = set(pending)
    while pending:
        for named_one, _, _ in code.names(pending.pop()):
            index = named_one - code.imports
            if index >= first and index not in seen:
                seen.add(index)
                gone[index] = 0
                pending.append(index)


class _Cut:
    """Which functions go, by numbers that count imports too, and which traps come in their place.

    `traps` has the place among the traps of each type that one is needed of; they stand where the
    first function went.
    """

    def __init__(self, code: _Code, types: list[int], imports: int, gone: bytearray) -> None:
        self.gone = gone
        self.first = gone.index(1)
        self._types, self._imports = types, imports
        needed = {
            types[index - imports]
            for caller in range(code.functions)
            if not gone[caller]
            for index, _, _ in code.names(caller)
            if index >= imports and gone[index - imports]
        }
        self.traps = {kind: place for place, kind in enumerate(sorted(needed))}
        before = list(accumulate(gone, initial=0))
        self._shift = [len(self.traps) - count if count else 0 for count in before]

    def left(self, items: Sequence[T], traps: Iterable[T]) -> list[T]:
        """Return those of the items, one for each function, that stay, and `traps` among them."""
        stay = [item for item, is_gone in zip(items, self.gone, strict=True) if not is_gone]
        return [*stay[: self.first], *traps, *stay[self.first :]]

    def is_gone(self, index: int) -> bool:
        return index >= self._imports and bool(self.gone[index - self._imports])

    def moved(self, index: int) -> int:
        """Return the new number of a function, or that of the trap in its place."""
        if index < self._imports:
            return index
        if not self.is_gone(index):
            return index + self._shift[index - self._imports]
        kind = self._types[index - self._imports]
        if kind not in self.traps:
            raise MalformedModuleError(f"function {index} is to go, and is named where no call is")
        return self._imports + self.first + self.traps[kind]


class _Code:
    """The code section: where its functions lie, and where each names others."""

    def __init__(self, source: bytes, section: wasm.Section, imports: int) -> None:
        self.functions, at = read_uleb(source, section.start, section.end)
        self.imports = imports
        self._source = source
        self._places: list[tuple[int, int, int]] = []
        self._names: dict[int, list[Name]] = {}
        for index in range(self.functions):
            begin = at
            size, at = read_uleb(source, at, section.end)
            if at + size > section.end:
                raise MalformedModuleError(f"function {index} runs past the code section")
            self._places.append((begin, at, at + size))
            at += size

    def names(self, index: int) -> list[Name]:
        """Return the functions that one names, with imports counted, and where it does."""
        if index not in self._names:
            _, body, end = self._places[index]
            self._names[index] = list(named(self._source, body, end))
        return self._names[index]

    def without(self, cut: _Cut) -> bytes:
        """Return the body of the section without the functions that go."""
        made = [_TRAP] * len(cut.traps)
        texts = [
            b"" if cut.gone[index] else self._renumbered(index, cut)
            for index in range(self.functions)
        ]
        return wasm.uleb(len(left := cut.left(texts, made))) + b"".join(left)

    def _renumbered(self, index: int, cut: _Cut) -> bytes:
        start, _, end = self._places[index]
        text = bytearray(self._source[start:end])
        for function, begin, behind in self.names(index):
            if (number := cut.moved(function)) != function:
                text[begin - start : behind - start] = _padded(number, behind - begin)
        return bytes(text)


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
    rows: list[element_rows.Row] = []
    for row in element_rows.read(source, section):
        unbroken = False
        for place, index in enumerate(row.functions, row.place):
            if not cut.is_gone(index):
                if not unbroken:
                    rows.append(element_rows.Row(place, []))
                rows[-1].functions.append(cut.moved(index))
            unbroken = not cut.is_gone(index)
    return element_rows.encode(rows)


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
