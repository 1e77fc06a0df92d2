"""Finding where the code of a module names functions, without taking its instructions apart.

Between two places that name a function, instructions are a regular language, so that one expression
skips them: a module of six million bytes takes a tenth of a second or two. Opcodes and their
immediates are those of "Instructions" in the WebAssembly core specification 3.0, as far as the
interpreter's compiler writes them; anything else is refused.
"""

from __future__ import annotations

import re

from capsule.wasm import MalformedModuleError, read_uleb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = rb"[\x80-\xff]*+[\x00-\x7f]"
# unreachable, nop, else, throw_ref, end, return, catch_all, drop, select, what computes with
# numbers, ref.is_null
_BARE = rb"[\x00\x01\x05\x0a\x0b\x0f\x19\x1a\x1b\x45-\xc4\xd1]"
# exceptions, branches, locals, globals, tables, memory.size and grow, integers, ref.null
_WITH_NUMBER = rb"[\x07-\x09\x0c\x0d\x14\x15\x18\x20-\x26\x3f-\x42\xd0]" + _NUMBER
# A type of one byte. Behind 63 and 64 a second part would follow, which could look like a call.
_TYPE = rb"[\x65-\x7f]"
# Blocks: a type, none, or the number of one.
_BLOCK_TYPE = rb"(?:%b|\x40|[\x00-\x3f]|[\x80-\xff]++[\x00-\x7f])" % _TYPE
_BLOCK = rb"[\x02-\x04\x06]" + _BLOCK_TYPE
# call_indirect and return_call_indirect
_WITH_TWO = rb"[\x11\x13]" + _NUMBER + _NUMBER
# An alignment from 64 on would say that the number of a memory follows.
_PLACE = rb"[\x00-\x3f]" + _NUMBER
_IN_MEMORY = rb"[\x28-\x3e]" + _PLACE
_FLOAT = rb"\x43[\s\S]{4}|\x44[\s\S]{8}"
_TYPED_SELECT = rb"\x1c\x01" + _TYPE
_BULK = rb"\xfc(?:%b)" % b"|".join(
    (
        rb"[\x00-\x07]",
        rb"[\x08\x0a\x0c\x0e]" + _NUMBER + _NUMBER,
        rb"[\x09\x0b\x0d\x0f-\x11]" + _NUMBER,
    )
)
_VECTOR = rb"\xfd(?:%b)" % b"|".join(
    (
        rb"[\x00-\x0b\x5c\x5d]" + _PLACE,
        rb"[\x0c\x0d][\s\S]{16}",
        rb"[\x15-\x22][\s\S]",
        rb"[\x54-\x5b]" + _PLACE + rb"[\s\S]",
        rb"[\x0e-\x14\x23-\x53\x5e-\x7f]",
        rb"[\x80-\xff][\x01-\x02]",
    )
)
_OTHERS = re.compile(
    rb"(?:%b++|%b)*+"
    % (
        _BARE,
        b"|".join(
            (_WITH_NUMBER, _BLOCK, _IN_MEMORY, _FLOAT, _WITH_TWO, _TYPED_SELECT, _BULK, _VECTOR)
        ),
    )
)
_BLOCK_TYPES, _TYPES = re.compile(_BLOCK_TYPE), re.compile(_TYPE)
_BRANCHES, _TRY_TABLE = 0x0E, 0x1F
# call, return_call, ref.func
_NAMING = frozenset((0x10, 0x12, 0xD2))
# Catches that name a tag besides a label.
_CATCH, _CATCH_REF, _LAST_CATCH = 0, 1, 3


def named(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield each function that a body names: its index, and where that stands, from and to.

    The body lies at `data[at:end]`, its locals first. Raises `MalformedModuleError` for an
    instruction that is not known here.
    """
    groups, at = read_uleb(data, at, end)
    for _ in range(groups):
        _, at = read_uleb(data, at, end)
        at = _behind_type(_TYPES, data, at, end)
    while True:
        found = _OTHERS.match(data, at, end)
        at = end if found is None else found.end()
        if at >= end:
            return
        opcode = data[at]
        if opcode in _NAMING:
            index, after = read_uleb(data, at + 1, end)
            yield index, at + 1, after
            at = after
        elif opcode == _BRANCHES:
            count, at = read_uleb(data, at + 1, end)
            for _ in range(count + 1):
                _, at = read_uleb(data, at, end)
        elif opcode == _TRY_TABLE:
            at = _behind_catches(data, at + 1, end)
        else:
            raise MalformedModuleError(
                f"the instruction at byte {at} is not known: {bytes(data[at : at + 4]).hex()}"
            )


def _behind_catches(data: bytes, at: int, end: int) -> int:
    at = _behind_type(_BLOCK_TYPES, data, at, end)
    count, at = read_uleb(data, at, end)
    for _ in range(count):
        kind, at = read_uleb(data, at, end)
        if kind > _LAST_CATCH:
            raise MalformedModuleError(f"a catch of kind {kind} is not known")
        if kind in (_CATCH, _CATCH_REF):
            _, at = read_uleb(data, at, end)
        _, at = read_uleb(data, at, end)
    return at


def _behind_type(form: re.Pattern[bytes], data: bytes, at: int, end: int) -> int:
    found = form.match(data, at, end)
    if found is None:
        raise MalformedModuleError(f"the type at byte {at} is not known: {data[at : at + 2].hex()}")
    return found.end()
