"""Which loader a program asks for: the one further file that starting it executes."""

from __future__ import annotations

import struct
from pathlib import Path

_INTERPRETER = 3
_HEADER = struct.Struct("<4sB11xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def loader_of(program: Path) -> Path | None:
    """Return the path in a 64-bit little-endian ELF file's PT_INTERP, None for a static one.

    Raises `OSError` when the file cannot be read.
    """
    with program.open("rb") as file:
        start = file.read(4096)
        if len(start) < _HEADER.size or start[:5] != b"\x7fELF\x02":
            return None
        fields = _HEADER.unpack_from(start)
        table, entry_size, entries = fields[6], fields[10], fields[11]
        for entry in range(entries):
            at = table + entry * entry_size
            if at + _SEGMENT.size > len(start):
                return None
            kind, _, offset, _, _, size, _, _ = _SEGMENT.unpack_from(start, at)
            if kind == _INTERPRETER:
                file.seek(offset)
                return Path(file.read(size).rstrip(b"\0").decode())
    return None
