"""What a task printed: its first and last lines, however much it was."""

from __future__ import annotations

EACH_END = 32 << 10

_LINE = b"\n"
# The first two bits of a byte that goes on with a character of UTF-8.
_MORE, _MASK = 0x80, 0xC0


class Capture:
    """Keeps the first and the last 32 KiB of a stream, in whole lines, and counts the rest.

    >>> capture = Capture(each_end=5)
    >>> for piece in (b"12\\n3", b"4\\n56\\n", b"78\\n9\\n"):
    ...     capture.add(piece)
    >>> capture.left_out
    6
    >>> print(capture.text())
    12
    [6 bytes are left out here]
    78
    9
    <BLANKLINE>
    """

    def __init__(self, each_end: int = EACH_END) -> None:
        self._limit = each_end
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._total += len(data)
        room = self._limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        # One byte more than is shown: it says whether the first line there is a whole one.
        most = self._limit + 1
        if len(data) >= most:
            self._tail[:] = data[-most:]
        elif data:
            self._tail += data
            # Cut in large steps: cutting at every piece would copy the tail each time.
            if len(self._tail) > 4 * most:
                del self._tail[:-most]

    @property
    def left_out(self) -> int:
        """How many bytes are in neither end."""
        first, last = self._ends()
        return self._total - len(first) - len(last)

    def text(self) -> str:
        """Return both ends as text; bytes that are not UTF-8 become U+FFFD.

        Between them stands a line that says how much is left out.
        """
        first, last = self._ends()
        left_out = self._total - len(first) - len(last)
        said = b""
        if left_out:
            begin = b"" if first.endswith(_LINE) or not first else _LINE
            said = begin + f"[{left_out:,} bytes are left out here]\n".encode()
        return (first + said + last).decode(errors="replace")

    def _ends(self) -> tuple[bytes, bytes]:
        if self._total <= 2 * self._limit:
            return bytes(self._head + self._tail), b""
        first = self._head
        first = first[: first.rfind(_LINE) + 1 or _whole_characters(first)]
        before, last = self._tail[-self._limit - 1 : -self._limit], self._tail[-self._limit :]
        if before != _LINE:
            cut = last.find(_LINE, 0, len(last) - 1) + 1
            last = last[cut:] if cut else last[_rest_of_character(last) :]
        return bytes(first), bytes(last)


def _whole_characters(data: bytearray) -> int:
    """Return where the last character begins that may go on behind `data`, or where `data` ends."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] & _MASK == _MASK:
            needed = 2 + (data[-back] >= 0xE0) + (data[-back] >= 0xF0)
            return len(data) - back if needed > back else len(data)
        if data[-back] & _MASK != _MORE:
            break
    return len(data)


def _rest_of_character(data: bytearray) -> int:
    """Return how many bytes at the start of `data` go on with a character before it."""
    first = data[:3]
    return next((at for at, byte in enumerate(first) if byte & _MASK != _MORE), len(first))
