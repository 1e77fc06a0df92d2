"""Which loader a program asks for: the one further file that starting it executes."""

from __future__ import annotations

import struct
from pathlib import Path

_INTERPRETER = 3
_HEADER = struct.Struct("<4sB11xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_MOST_SEGMENTS, _MOST_OFFSET = 1 << 16, 1 << 62


def loader_of(program: Path) -> Path | None:
    """Return the path in a 64-bit little-endian ELF file's PT_INTERP, None for a static one.

    Raises `OSError` when the file cannot be read.
    """
    with program.open("rb") as file:
        start = file.read(_HEADER.size)
        if len(start) < _HEADER.size or start[:5] != b"\x7fELF\x02":
            return None
        fields = _HEADER.unpack(start)
        table, entry_size, entries = fields[6], fields[10], fields[11]
        # Behind all else, in a program that was changed after it was linked.
        file.seek(min(table, _MOST_OFFSET))
        segments = file.read(min(entries * entry_size, _MOST_SEGMENTS))
        for at in range(0, len(segments) - _SEGMENT.size + 1, max(entry_size, _SEGMENT.size)):
            kind, _, offset, _, _, size, _, _ = _SEGMENT.unpack_from(segments, at)
            if kind == _INTERPRETER:
                file.seek(min(offset, _MOST_OFFSET))
                return Path(file.read(min(size, _MOST_SEGMENTS)).rstrip(b"\0").decode())
    return None
