"""Finding the functions that code names: whatever else there is, is skipped as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.toolstore.function_references import named
from capsule.wasm import MalformedModuleError, sleb, uleb

# The forms of the specification, with operands that look like calls themselves.
NUMBER = st.integers(0, 2**31 - 1).map(uleb) | st.just(b"\x90\x90\x90\x90\x00")
BYTE = st.sampled_from([b"\x10", b"\x00", b"\xff", b"\x12"])


def form(*parts: bytes | st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*(st.just(part) if isinstance(part, bytes) else part for part in parts)).map(
        b"".join
    )


def repeated(item: st.SearchStrategy[bytes], more: int = 0) -> st.SearchStrategy[bytes]:
    return st.lists(item, min_size=more, max_size=20).map(
        lambda items: uleb(len(items) - more) + b"".join(items)
    )


MEMORY = form(st.integers(0, 4).map(lambda power: bytes([power])), NUMBER)
OTHERS = st.one_of(
    st.sampled_from([0x00, 0x01, 0x05, 0x0B, 0x0F, 0x1A, 0x1B, 0x45, 0x6A, 0xC4, 0xD1]).map(
        lambda opcode: bytes([opcode])
    ),
    form(b"\x02\x40"),
    form(b"\x04", st.integers(0, 2**31 - 1).map(sleb)),  # types are signed: 65 takes two bytes
    form(b"\x0d", NUMBER),
    form(b"\x20", NUMBER),
    form(b"\x24", NUMBER),
    form(b"\x41", st.integers(-(2**31), 2**31 - 1).map(sleb)),
    form(b"\x42", st.integers(-(2**63), 2**63 - 1).map(sleb)),
    form(b"\x43", BYTE, BYTE, BYTE, BYTE),
    form(b"\x44", BYTE, BYTE, BYTE, BYTE, BYTE, BYTE, BYTE, BYTE),
    form(b"\x28", MEMORY),
    form(b"\x3e", MEMORY),
    form(b"\x3f\x00"),
    form(b"\x11", NUMBER, NUMBER),
    form(b"\x1c\x01\x7f"),
    form(b"\x0e", repeated(NUMBER, 1)),
    form(b"\x1f\x40", repeated(st.one_of(form(b"\x00", NUMBER, NUMBER), form(b"\x02", NUMBER)))),
    form(b"\x08", NUMBER),
    form(b"\xfc\x00"),
    form(b"\xfc\x08", NUMBER, b"\x00"),
    form(b"\xfc\x0a\x00\x00"),
    form(b"\xfc\x0b\x00"),
    form(b"\xfd\x00", MEMORY),
    form(b"\xfd\x0c", *[BYTE] * 16),
    form(b"\xfd\x15", BYTE),
    form(b"\xfd\x54", MEMORY, BYTE),
    form(b"\xfd\x23"),
    form(b"\xfd\xae\x01"),
)
NAMING = st.tuples(
    st.sampled_from([b"\x10", b"\x12", b"\xd2"]), st.integers(0, 2**31 - 1), st.booleans()
)


def padded(value: int) -> bytes:
    low = [value >> shift & 0x7F for shift in range(0, 35, 7)]
    return bytes([*(part | 0x80 for part in low[:-1]), low[-1]])


@given(st.lists(OTHERS | NAMING, max_size=40))
def test_what_is_named_is_found_and_nothing_else(
    pieces: list[bytes | tuple[bytes, int, bool]],
) -> None:
    locals_ = b"\x02\x10\x7f\x12\x7c"
    body, expected = bytearray(b"before" + locals_), []
    for piece in pieces:
        if isinstance(piece, bytes):
            body += piece
        else:
            opcode, index, wide = piece
            number = padded(index) if wide else uleb(index)
            expected.append((index, len(body) + 1, len(body) + 1 + len(number)))
            body += opcode + number
    end = len(body)
    assert list(named(bytes(body + b"\x10\x05"), len(b"before"), end)) == expected


@pytest.mark.parametrize(
    "instruction",
    [
        b"\xfb\x00\x01",  # of garbage collection
        b"\xfe\x10\x02\x00",  # of threads
        b"\x28\x40\x01\x00",  # of another memory
        b"\x1c\x02\x7f\x7f",  # a select of two types, which there is not
        b"\x02\x64\x10\x0b",  # a block of references to functions of type 16, which is no call
        b"\x06\x63\x10\x0b",
        b"\x1c\x01\x64\x10",
        b"\x1f\x64\x10\x00\x0b",
        b"\x1f\x40\x01\x04\x00\x0b",  # a catch of a kind that there is not
        b"\x41\x80",  # cut off
        b"\x43\x00\x00",
        b"\xff",
    ],
)
def test_what_is_not_known_is_refused(instruction: bytes) -> None:
    body = b"\x00" + instruction
    with pytest.raises(MalformedModuleError):
        list(named(body, 0, len(body)))


def test_a_local_of_a_type_of_two_parts_is_refused() -> None:
    with pytest.raises(MalformedModuleError):
        list(named(b"\x01\x01\x63\x10\x00\x0b", 0, 6))
