"""Where a Python program is, read from the memory of the interpreter that runs it.

CPython keeps a table of where in its structures things lie, for debuggers. It is taken from the
memory as it was before anything ran; what is read through it may be anything, as the task can write
to all of its memory, and is held to be text and numbers of a sensible size.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Protocol

from capsule.namedtuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

COOKIE = b"xdebugpy"
# Bytes that are looked through at once.
_PIECE = 1 << 16
# CPython 3.15, of which this table is.
_VERSION = 0x030F
_WORDS = 96
# Their places in the table, counted in words of 8 bytes.
_INTERPRETERS_HEAD, _THREADS_HEAD, _CURRENT_FRAME = 5, 9, 26
_PREVIOUS, _EXECUTABLE, _INSTRUCTION = 40, 41, 42
_FILENAME, _QUALNAME, _LINES, _FIRST_LINE, _CODE = 48, 50, 51, 52, 56
_BYTES_SIZE, _BYTES_DATA = 87, 88
_TEXT_STATE, _TEXT_LENGTH, _TEXT_HEAD = 90, 91, 92
_MOST_FRAMES, _MOST_TEXT = 2_000, 1_000
# Bytes of tables of lines that are gone through for one look, which takes some 30 ms: a task can
# make them as long as it likes. What is more has the line that the function begins at.
_MOST_LINES = 64 << 10
# Of the state of a text: its characters lie behind the head, and right behind it if all are ASCII.
_COMPACT, _ASCII = 1 << 5, 1 << 6
_BEHIND = 8
_CODECS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}
# Kinds of entries in a table of locations: how many bytes follow, and which tell of a line.
_SHORT, _ONE_LINE, _LINE_ONLY, _LONG = range(10), range(10, 13), 13, 14


class Memory(Protocol):
    """What is read from; it raises `OSError` for what is not there."""

    def read(self, address: int, size: int) -> bytes: ...


class Frame(NamedTuple):
    """A call that is under way: the file and the line that it is at, and its function."""

    file: str
    line: int
    function: str


class NotThereError(Exception):
    """Raised when memory does not hold what it should."""


class Table:
    """Where things lie in the memory of one interpreter; `address` is where the table is."""

    def __init__(self, words: bytes, address: int) -> None:
        self.address = address
        self.at = struct.unpack(f"<{_WORDS}Q", words)

    def __repr__(self) -> str:
        return f"<Table at {self.address:#x}>"

    @classmethod
    def find(cls, initial: BinaryIO) -> Table | None:
        """Return the table in an interpreter's memory, None where it has none that is known.

        It is looked for piece by piece: the memory may be 40 MB, and whoever asks has a use for
        none of it but this.
        """
        place, end = 0, b""
        while piece := initial.read(_PIECE):
            if (at := (end + piece).find(COOKIE)) >= 0:
                initial.seek(address := place - len(end) + at)
                words = initial.read(8 * _WORDS)
                table = cls(words, address) if len(words) == 8 * _WORDS else None
                return table if table and table.at[1] >> 16 == _VERSION else None
            place, end = place + len(piece), piece[1 - len(COOKIE) :]
        return None


def frames(memory: Memory, table: Table) -> list[Frame]:
    """Return the calls that are under way, the innermost first, as far as they can be read."""
    found: list[Frame] = []
    lines = _Lines(memory, table)
    try:
        each = (_frame(memory, table, at, lines) for at in _chain(memory, table))
        found.extend(filter(None, each))
    except (OSError, NotThereError):
        return found  # what was read is right all the same
    return found


def _word(memory: Memory, address: int) -> int:
    return int.from_bytes(memory.read(address, 4), "little")


def _chain(memory: Memory, table: Table) -> Iterator[int]:
    at = table.at
    interpreter = _word(memory, table.address + at[_INTERPRETERS_HEAD])
    thread = _word(memory, interpreter + at[_THREADS_HEAD])
    frame = _word(memory, thread + at[_CURRENT_FRAME])
    for _ in range(_MOST_FRAMES):
        if not frame:
            return
        yield frame
        frame = _word(memory, frame + at[_PREVIOUS])


class _Lines:
    """Finds lines, each place once, as long as what that takes is within a bound."""

    def __init__(self, memory: Memory, table: Table) -> None:
        self._memory, self._table = memory, table
        self._known: dict[tuple[int, int], int] = {}
        self._left = _MOST_LINES

    def find(self, address: int, first: int, unit: int) -> int:
        """Return the line of an instruction, given where its function's table of lines lies."""
        place = address, unit
        if place not in self._known:
            size = _word(self._memory, address + self._table.at[_BYTES_SIZE])
            if size > self._left:
                return first
            self._left -= size
            lines = self._memory.read(address + self._table.at[_BYTES_DATA], size)
            self._known[place] = line_of(lines, first, unit)
        return self._known[place]


def _frame(memory: Memory, table: Table, frame: int, lines: _Lines) -> Frame | None:
    """Return a frame, None for one that is not of Python code."""
    at = table.at
    # The lowest bits of what a frame refers to say how.
    code = _word(memory, frame + at[_EXECUTABLE]) & ~3
    try:
        file = _text(memory, table, _word(memory, code + at[_FILENAME]))
        function = _text(memory, table, _word(memory, code + at[_QUALNAME]))
    except NotThereError:
        return None
    unit = (_word(memory, frame + at[_INSTRUCTION]) - code - at[_CODE]) // 2
    first = _word(memory, code + at[_FIRST_LINE])
    line = lines.find(_word(memory, code + at[_LINES]), first, unit)
    return Frame(file, line, function)


def _text(memory: Memory, table: Table, address: int) -> str:
    at = table.at
    length = _word(memory, address + at[_TEXT_LENGTH])
    state = _word(memory, address + at[_TEXT_STATE])
    width = state >> 2 & 7
    if not 0 < length <= _MOST_TEXT or not state & _COMPACT or width not in _CODECS:
        raise NotThereError
    begin = address + at[_TEXT_HEAD] + (0 if state & _ASCII else _BEHIND)
    return memory.read(begin, length * width).decode(_CODECS[width], "replace")


def line_of(table: bytes, first: int, unit: int) -> int:
    """Return the line of the instruction at `unit`, of two bytes, by a code's `co_linetable`.

    `first` is the line that the function begins at. An instruction that has none has that of the
    one before it.

    >>> code = compile("a = 1\\n\\nb = 2", "", "exec")
    >>> [line_of(code.co_linetable, code.co_firstlineno, unit) for unit in (0, 1, 3)]
    [0, 1, 3]
    """
    line, at, passed = first, 0, 0
    while at < len(table) and passed <= unit:
        head, at = table[at], at + 1
        kind, passed = head >> 3 & 15, passed + (head & 7) + 1
        if kind in _SHORT:
            at += 1
        elif kind in _ONE_LINE:
            line, at = line + kind - 10, at + 2
        elif kind in {_LINE_ONLY, _LONG}:
            delta, at = _number(table, at)
            line += -(delta >> 1) if delta & 1 else delta >> 1
            for _ in range(3 if kind == _LONG else 0):
                at = _number(table, at)[1]
    return line


def _number(table: bytes, at: int) -> tuple[int, int]:
    """Return a number that is written in pieces of 6 bits, and where it ends."""
    value = shift = 0
    for byte in table[at : at + 6]:
        value |= (byte & 63) << shift
        shift, at = shift + 6, at + 1
        if not byte & 64:
            break
    return value, at
