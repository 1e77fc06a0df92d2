"""What a task printed: its first and last bytes, however much it was."""

from __future__ import annotations

EACH_END = 32 << 10


class Capture:
    """Keeps the first and the last 32 KiB of a stream and counts the rest.

    >>> capture = Capture(each_end=3)
    >>> for piece in (b"abcd", b"efgh", b"ij"):
    ...     capture.add(piece)
    >>> capture.text(), capture.left_out
    ('abchij', 4)
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
        if len(data) >= self._limit:
            self._tail[:] = data[-self._limit :]
        elif data:
            self._tail += data
            # Cut in large steps: cutting at every piece would copy the tail each time.
            if len(self._tail) > 4 * self._limit:
                del self._tail[: -self._limit]

    @property
    def left_out(self) -> int:
        """How many bytes are in neither end."""
        return max(0, self._total - 2 * self._limit)

    def text(self) -> str:
        """Return both ends as text; bytes that are not UTF-8 become U+FFFD."""
        return (self._head + self._tail[-self._limit :]).decode(errors="replace")
