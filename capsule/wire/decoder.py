"""Turning the bytes of a sandbox into frames; the peer is hostile.

A frame's length is checked against its kind before memory is taken for it, its kind against what
may come now, and everything after the first violation is left unread.
"""

from __future__ import annotations

from capsule.errors import WireError
from capsule.namedtuples import NamedTuple
from capsule.shared.frames import (
    CALL,
    CLOSED,
    CLOSED_LENGTH,
    FAILURE,
    HEADER,
    MAX_BODY,
    MAX_CALL,
    MAX_OUTPUT,
    RESULT,
    STDERR,
    STDOUT,
    TEXT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_FAILURE = 1 << 20
_LENGTHS = {
    STDOUT: (0, MAX_OUTPUT),
    STDERR: (0, MAX_OUTPUT),
    RESULT: (1, MAX_BODY),
    TEXT: (0, MAX_BODY),
    FAILURE: (1, _MAX_FAILURE),
    CLOSED: (CLOSED_LENGTH, CLOSED_LENGTH),
    CALL: (4, MAX_CALL),
}

# A frame that is larger is collected where it stays; others are copied out of what came with them.
_LARGE = 64 << 10

# What may come: output and calls, one answer, output while the program ends, the closing frame.
_ANSWERS = (RESULT, TEXT, FAILURE)
_RUNNING, _ANSWERED, _CLOSED = range(3)
_LEGAL = {
    _RUNNING: {STDOUT, STDERR, CALL, RESULT, TEXT, FAILURE},
    _ANSWERED: {STDOUT, STDERR, CLOSED},
    _CLOSED: set[int](),
}
_NAMES = {_RUNNING: "before its answer", _ANSWERED: "after its answer", _CLOSED: "after the end"}


class Frame(NamedTuple):
    """One frame that was legal when it came."""

    kind: int
    payload: bytes | bytearray


class Decoder:
    """Collects bytes and gives frames.

    `seal` is the text that the closing frame has to bear: only the driver of this run knows it.
    An answer has `most` bytes at most. With `tail`, what follows the closing frame is no frame:
    `take_tail` gives it out.

    >>> decoder = Decoder("")
    >>> list(decoder.feed(bytes([STDOUT, 2, 0, 0, 0]) + b"hi"))
    [Frame(kind=16, payload=b'hi')]
    """

    def __init__(self, seal: str, *, most: int = MAX_BODY, tail: bool = False) -> None:
        self._seal = seal.encode()
        self._most = most
        self._tail = tail
        self._buffer = bytearray()
        self._wanted = HEADER.size
        self._state = _RUNNING
        self._coming: tuple[int, int] | None = None

    @property
    def closed(self) -> bool:
        """Whether the closing frame has come."""
        return self._state == _CLOSED

    @property
    def coming(self) -> tuple[int, int] | None:
        """The kind and the length of a large frame of which a part has come, None without one."""
        return self._coming

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and give the frames that they complete; use up the iterator.

        Raises `WireError` at the first violation, behind the frames that came before it.
        """
        buffer = self._buffer
        buffer += data
        # While one large frame arrives in small pieces, nothing is looked at or copied.
        if len(buffer) < self._wanted:
            return
        at, size = 0, len(buffer)
        try:
            while size - at >= HEADER.size and not (self._tail and self.closed):
                kind, length = HEADER.unpack_from(buffer, at)
                self._check(kind, length)
                end = at + HEADER.size + length
                if size < end:
                    self._wanted = end - at
                    self._coming = (kind, length) if length > _LARGE else None
                    return
                payload: bytes | bytearray
                if self._coming is not None:
                    # It lies at the front; a copy would take its size again.
                    self._coming = None
                    payload, buffer = buffer, buffer[end:]
                    self._buffer = buffer
                    del payload[end:], payload[: HEADER.size]
                    at, end, size = 0, 0, len(buffer)
                else:
                    payload = bytes(memoryview(buffer)[at + HEADER.size : end])
                if kind == CLOSED and payload[4:] != self._seal:
                    raise WireError("the sandbox sent a closing frame without this run's seal")
                self._advance(kind)
                at = end
                yield Frame(kind, payload)
            self._wanted = HEADER.size
        finally:
            del buffer[:at]

    def take_tail(self) -> bytes:
        """Return the bytes behind the closing frame that have come since the last call."""
        if not self.closed:
            return b""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def finish(self) -> None:
        """Say that no more bytes will come.

        Raises `WireError` when the sandbox stopped in the middle of a frame.
        """
        if self._buffer:
            raise WireError(
                f"the sandbox ended in the middle of a frame: {len(self._buffer)} bytes of it came"
            )

    def _check(self, kind: int, length: int) -> None:
        if kind not in _LENGTHS:
            raise WireError(f"the sandbox sent a frame of unknown kind {kind}")
        if kind not in _LEGAL[self._state]:
            raise WireError(f"the sandbox sent a frame of kind {kind} {_NAMES[self._state]}")
        least, most = _LENGTHS[kind]
        if kind in _ANSWERS:
            most = min(most, self._most)
        if not least <= length <= most:
            raise WireError(
                f"the sandbox announced a frame of kind {kind} with {length} bytes; "
                f"{least} to {most} are allowed"
            )

    def _advance(self, kind: int) -> None:
        if kind in _ANSWERS:
            self._state = _ANSWERED
        elif kind == CLOSED:
            self._state = _CLOSED
