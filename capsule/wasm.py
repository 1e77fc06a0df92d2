"""The WebAssembly binary format, as far as capsule writes and reads it itself.

Numbers are LEB128, vectors are a count and their items, a module is a list of sections: see
"Binary Format" in the WebAssembly core specification. Nothing here knows about drivers or Python.
"""

from __future__ import annotations

from capsule.errors import CapsuleError
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEADER = b"\0asm\x01\0\0\0"
PAGE = 65536

CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT = range(8)
START, ELEMENT, CODE, DATA, DATA_COUNT, TAG = range(8, 14)


class MalformedModuleError(CapsuleError):
    """Raised when bytes are not a WebAssembly module that capsule can read."""

    code = "malformed_module"


def uleb(value: int) -> bytes:
    """Encode an unsigned integer.

    >>> uleb(624485).hex()
    'e58e26'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sleb(value: int) -> bytes:
    """Encode a signed integer.

    >>> sleb(-123456).hex()
    'c0bb78'
    """
    out = bytearray()
    while True:
        low = value & 0x7F
        value >>= 7
        if (value == 0 and not low & 0x40) or (value == -1 and low & 0x40):
            out.append(low)
            return bytes(out)
        out.append(low | 0x80)


def read_uleb(data: bytes | memoryview, at: int, limit: int, bits: int = 32) -> tuple[int, int]:
    """Decode an unsigned integer of at most `bits` bits at `at`; return it and where it ends.

    Raises `MalformedModuleError` when it runs past `limit` or does not fit.
    """
    value = shift = 0
    while True:
        if at >= limit:
            raise MalformedModuleError(f"a number at byte {at} runs past the end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if value >> bits or shift >= bits:
            raise MalformedModuleError(f"a number before byte {at} has more than {bits} bits")
        if byte < 0x80:
            return value, at
        shift += 7


def read_sleb(data: bytes | memoryview, at: int, limit: int) -> tuple[int, int]:
    """Decode a signed integer of at most 32 bits at `at`; return it and where it ends.

    Raises `MalformedModuleError` when it runs past `limit` or does not fit.

    >>> read_sleb(bytes.fromhex("c0bb78"), 0, 3)
    (-123456, 3)
    """
    # Five bytes of seven bits hold any 32-bit number, and some that are larger.
    value, end = read_uleb(data, at, limit, bits=35)
    width = 7 * (end - at)
    if value >> (width - 1):
        value -= 1 << width
    if not -(1 << 31) <= value < 1 << 31:
        raise MalformedModuleError(f"a number before byte {end} has more than 32 bits")
    return value, end


def vector(items: Sequence[bytes]) -> bytes:
    """Encode a vector: how many items, then the items.

    >>> vector([b"a", b"b"])
    b'\\x02ab'
    """
    return uleb(len(items)) + b"".join(items)


def sized(body: bytes) -> bytes:
    """Put the length in front of `body`: how functions, names and section bodies are stored.

    >>> sized(b"abc")
    b'\\x03abc'
    """
    return uleb(len(body)) + body


def name(text: str) -> bytes:
    """Encode a name."""
    return sized(text.encode())


def section(kind: int, body: bytes) -> bytes:
    """Encode a section of the given kind.

    >>> section(TYPE, b"xyz")
    b'\\x01\\x03xyz'
    """
    return bytes([kind]) + sized(body)


def function_names(module: str, functions: Sequence[str]) -> bytes:
    """Encode the custom section that names a module and its functions, imports first.

    wasmtime's backtraces show these names.
    """
    table = vector([uleb(index) + name(text) for index, text in enumerate(functions)])
    return section(CUSTOM, name("name") + section(0, name(module)) + section(1, table))


class Section(NamedTuple):
    """Where a section of a module lies: `data[start:end]` is its body."""

    kind: int
    start: int
    end: int


def sections(data: bytes | memoryview) -> Iterator[Section]:
    """Walk over the sections of a module without copying them.

    Raises `MalformedModuleError` when the header is foreign or a section runs past the end.
    """
    if bytes(data[:8]) != HEADER:
        raise MalformedModuleError(f"not a WebAssembly module: it starts with {bytes(data[:8])!r}")
    at, limit = 8, len(data)
    while at < limit:
        size, start = read_uleb(data, at + 1, limit)
        if start + size > limit:
            raise MalformedModuleError(f"section {data[at]} at byte {at} runs past the end")
        yield Section(data[at], start, start + size)
        at = start + size
