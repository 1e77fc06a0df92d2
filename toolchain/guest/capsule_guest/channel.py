"""Frames in and out of the sandbox."""

from __future__ import annotations

from os import read, write

from capsule.shared.frames import HEADER

_IN, _OUT = 0, 1
# What is copied to go out in one write with its header; more goes as it lies.
_TOGETHER = 1 << 12


def send(kind: int, payload: bytes | memoryview, _pack=HEADER.pack, _write=write) -> None:  # type: ignore[no-untyped-def]
    """Write one frame, however many writes it takes."""
    if len(payload) > _TOGETHER:
        _write_all(_pack(kind, len(payload)))
        _write_all(payload)
        return
    data = _pack(kind, len(payload)) + payload
    written = _write(_OUT, data)
    if written != len(data):
        _write_all(data[written:])


def _write_all(data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[write(_OUT, view) :]


def receive() -> tuple[int, bytes]:
    """Read one frame; the host is trusted to send what it announces."""
    kind, length = HEADER.unpack(_read(HEADER.size))
    return kind, _read(length)


def _read(count: int) -> bytes:
    if not count:
        return b""  # reading nothing would wait for more to come
    first = read(_IN, count)
    if len(first) == count:
        return first
    data = bytearray(first)
    while len(data) < count:
        more = read(_IN, count - len(data))
        if not more:
            raise EOFError("the host closed the channel")
        data += more
    return bytes(data)
