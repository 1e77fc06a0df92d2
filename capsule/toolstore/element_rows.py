"""The function table's first content: rows of functions, and the places between that have none.

wasmtime writes it into the compiled file with a number for each place, five bytes where there is no
function, and reads that at each start: in a smaller interpreter, half of all that it reads.
"""

from __future__ import annotations

from capsule import wasm
from capsule.namedtuples import NamedTuple
from capsule.wasm import MalformedModuleError, read_sleb, read_uleb

_CONST, _END, _REFERENCE = b"\x41", b"\x0b", b"\xd2"
# Kinds of segments, with a place in the table: of functions, and of expressions that are some.
_FUNCTIONS, _EXPRESSIONS = b"\x00", b"\x04"
# A gap of so many places is looked at; where there are so many times more places than functions
# from there on, these functions are written into the table when it is made.
_WIDE, _SPARSE = 256, 4


class Row(NamedTuple):
    """Functions at consecutive places of the table, from `place` on."""

    place: int
    functions: list[int]


def read(source: bytes, section: wasm.Section) -> list[Row]:
    """Return what a section of elements says.

    Raises `MalformedModuleError` for what is not known here.
    """
    count, at = read_uleb(source, section.start, section.end)
    rows = []
    for _ in range(count):
        flags, at = read_uleb(source, at, section.end)
        if flags != 0 or source[at : at + 1] != _CONST:
            raise MalformedModuleError(f"a segment of elements of kind {flags} is not expected")
        place, at = read_sleb(source, at + 1, section.end)
        if source[at : at + 1] != _END:
            raise MalformedModuleError("the place of a segment of elements is not a constant")
        length, at = read_uleb(source, at + 1, section.end)
        functions = []
        for _ in range(length):
            index, at = read_uleb(source, at, section.end)
            functions.append(index)
        rows.append(Row(place, functions))
    return rows


def encode(rows: list[Row]) -> bytes:
    """Return the content of a section of elements with a segment for each row."""
    return wasm.vector([_segment(row) for row in rows])


def _segment(row: Row) -> bytes:
    functions = wasm.vector(list(map(wasm.uleb, row.functions)))
    return _FUNCTIONS + _CONST + wasm.sleb(row.place) + _END + functions


def sparse_table(source: bytes) -> bytes:
    """Return a module that says the same of its table, and that wasmtime reads faster.

    The first function behind a wide gap is said by an expression: at one of those, wasmtime stops
    to make one list of all places. Raises `MalformedModuleError` for what is not known here.
    """
    made = []
    for section in wasm.sections(source):
        content = source[section.start : section.end]
        if section.kind == wasm.ELEMENT:
            content = _split(read(source, section)) or content
        made.append(wasm.section(section.kind, content))
    return wasm.HEADER + b"".join(made)


def _split(rows: list[Row]) -> bytes | None:
    """Return the content of the section where it gets sparse, None where it never does."""
    if not all(row.functions for row in rows):
        return None
    end = max((row.place + len(row.functions) for row in rows), default=0)
    for number, row in enumerate(rows):
        before = rows[number - 1].place + len(rows[number - 1].functions) if number else 0
        left = sum(len(each.functions) for each in rows[number:])
        if row.place - before >= _WIDE and end - before > _SPARSE * left:
            first, *rest = row.functions
            stop = _EXPRESSIONS + _CONST + wasm.sleb(row.place) + _END
            stop += wasm.vector([_REFERENCE + wasm.uleb(first) + _END])
            behind = [Row(row.place + 1, rest)] if rest else []
            segments = [*map(_segment, rows[:number]), stop]
            segments += map(_segment, [*behind, *rows[number + 1 :]])
            return wasm.vector(segments)
    return None
