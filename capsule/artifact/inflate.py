"""Unpacking a zlib stream of a stranger's, in memory that is bounded beforehand."""

from __future__ import annotations

import zlib

from capsule import wasm
from capsule.artifact.errors import AGAIN, ArtifactError

# How much goes in and comes out at once.
_IN, _OUT = 16 << 10, 256 << 10
# The longest number of 32 bits.
_NUMBER = 5


class Inflated:
    """Reads a zlib stream that announces `size` bytes; never unpacks more than that.

    What is unpacked ahead of reading is at most a few hundred KiB.
    """

    def __init__(self, packed: memoryview, size: int) -> None:
        self._packed = packed
        self._fed = 0
        self._stream = zlib.decompressobj()
        self._size = size
        self._unpacked = 0
        self._ready = bytearray()

    def __repr__(self) -> str:
        return f"Inflated({len(self._packed)} bytes, {self.left} of {self._size} left)"

    @property
    def left(self) -> int:
        """How many of the announced bytes are still to be read."""
        return self._size - self._unpacked + len(self._ready)

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises `ArtifactError` when fewer are left, which is seen before memory is taken, and when
        the stream is damaged, cut off, or longer than announced.
        """
        if count > self.left:
            raise ArtifactError(f"{count:,} bytes are announced where {self.left:,} are left")
        self._fill(count)
        with memoryview(self._ready) as ready, ready[:count] as taken:
            piece = bytes(taken)
        del self._ready[:count]
        return piece

    def number(self) -> int:
        """Return the next number, of at most 32 bits.

        Raises `ArtifactError` as `take`, and `wasm.MalformedModuleError` when it is none.
        """
        self._fill(min(_NUMBER, self.left))
        start = bytes(self._ready[:_NUMBER])
        value, end = wasm.read_uleb(start, 0, len(start))
        del self._ready[:end]
        return value

    def finish(self) -> None:
        """Check that all was read. Raises `ArtifactError` when there is more, or an error."""
        if self.left:
            raise ArtifactError(f"{self.left:,} bytes follow the last file")
        while not self._stream.eof:
            self._more()
        behind = len(self._stream.unused_data) + len(self._packed) - self._fed
        if behind:
            raise ArtifactError(f"{behind:,} bytes follow the packed ones")

    def _fill(self, count: int) -> None:
        while len(self._ready) < count:
            self._more()

    def _more(self) -> None:
        """Unpack a little more."""
        if self._stream.eof:
            raise ArtifactError(
                f"{self._size:,} bytes are announced, and {self._unpacked:,} are there"
            )
        data: bytes | memoryview = self._stream.unconsumed_tail
        if not data:
            data = self._packed[self._fed : self._fed + _IN]
            self._fed += len(data)
        try:
            # One byte is asked for even when none is due: 0 would mean all, and the end of the
            # stream is only seen by asking.
            found = self._stream.decompress(data, max(1, min(_OUT, self._size - self._unpacked)))
        except zlib.error as wrong:
            raise ArtifactError(f"it cannot be unpacked ({wrong})", hint=AGAIN) from None
        self._unpacked += len(found)
        if self._unpacked > self._size:
            raise ArtifactError(f"it unpacks to more than the {self._size:,} bytes announced")
        if not (found or data or self._stream.eof):
            raise ArtifactError("what is packed is cut off", hint=AGAIN)
        self._ready += found
