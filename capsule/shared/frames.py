"""The wire between a sandbox and its host: what a frame looks like and which kinds there are.

A frame is its kind (one byte), the length of its payload (four bytes, little-endian) and the
payload. Descriptor 0 of the sandbox carries frames to it, descriptor 1 from it.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct("<BI")

# From the host.
REQUEST = 1  # JSON: what to call and with what
SOURCES = 2  # the contents of the bundle's files, one after the other, as REQUEST lists them
REPLY = 3  # the answer to a CALL, in the same form
WARM = 4  # empty: go through the motions of a request, so that the one to come finds all in memory
ARGUMENTS = 5  # JSON: a list and an object, as another sandbox wrote them; the host never read it
STDIN = 6  # what the task reads from its stdin

# From the sandbox.
STDOUT = 16  # bytes that the task printed
STDERR = 17
RESULT = 18  # JSON: what the task returned
TEXT = 19  # UTF-8: what the task returned, when that is one string; quoting it would cost much fuel
FAILURE = 20  # JSON: {"error_type", "message", "traceback"}
CLOSED = 21  # pages of memory (4 bytes) and the seal; the driver writes it when the guest is over
READY = 23  # empty: the motions were gone through
CALL = 22  # asks the host for something: the length of the JSON (4 bytes), JSON, bytes

# A result or a request may be this large; anything else is small.
MAX_BODY = 64 << 20
MAX_OUTPUT = 64 << 10
MAX_CALL = 16 << 20
# Of a call, the JSON: what is large goes behind it, as bytes.
MAX_FIELDS = 1 << 20
CLOSED_LENGTH = 4 + 16


def frame(kind: int, payload: bytes) -> bytes:
    """Return one whole frame.

    >>> frame(RESULT, b"42").hex()
    '12020000003432'
    """
    return HEADER.pack(kind, len(payload)) + payload


def pack_call(fields: bytes, data: bytes) -> bytes:
    """Return the payload of a CALL or a REPLY: JSON, and bytes that are none.

    >>> unpack_call(pack_call(b"{}", b"data"))
    (b'{}', b'data')
    """
    return len(fields).to_bytes(4, "little") + fields + data


def unpack_call(payload: bytes) -> tuple[bytes, bytes]:
    """Return the JSON and the bytes of a CALL or a REPLY. Raises `ValueError` when it is none."""
    end = 4 + int.from_bytes(payload[:4], "little")
    if end > len(payload):
        raise ValueError(f"{end} bytes are announced, and {len(payload)} are there")
    return payload[4:end], payload[end:]
