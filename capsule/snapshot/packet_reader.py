"""How a session's driver takes the memory of the turns before: code that reads it from stdin."""

from __future__ import annotations

from capsule.namedtuples import NamedTuple
from capsule.snapshot import wasm_instructions as op

# Where it reads to before memory is what it will be: at the far end of the C stack, which is empty
# then: an iovec, a count, two words, and a packet of pages.
_IOVEC, _COUNT, _HEAD, _PACKET = 1024, 1032, 1040, 4096
# The most bytes of a packet. Each call to read takes as long as it takes to copy 16 KB.
MOST_PACKET = 1 << 18
_STDIN = 0
_UNLESS_ZERO_TRAP = op.if_ + op.unreachable + op.end


class Reader(NamedTuple):
    """What the code uses: the number of `fd_read`, and locals, each of 32 bits."""

    fd_read: int
    where: int
    end: int
    at: int
    left: int
    packets: int


def receive_memory(reader: Reader) -> bytes:
    """Take how many pages memory has, how many packets follow, and those.

    It is what `capsule.snapshot.driver.turn_driver` says of them. Traps where it does not come.
    """
    left, count = reader.left, reader.packets
    missing = op.local_get(left) + op.memory_size + op.i32_sub
    refused = op.i32_const(-1) + op.i32_eq
    return (
        _receive(reader, op.i32_const(_HEAD), op.i32_const(8))
        + _loaded(_HEAD)
        + op.local_tee(left)
        + op.memory_size
        + op.i32_gt_u
        + op.if_
        + missing
        + op.memory_grow
        + refused
        + _UNLESS_ZERO_TRAP
        + op.end
        + _loaded(_HEAD + 4)
        + op.local_tee(count)
        + op.if_
        + op.loop
        + receive_word(reader)
        + op.local_tee(reader.end)
        + op.if_
        + _receive(reader, op.i32_const(_PACKET), op.local_get(reader.end))
        + _put_pages(reader)
        + op.end
        + op.local_get(count)
        + op.i32_const(1)
        + op.i32_sub
        + op.local_tee(count)
        + op.br_if(0)
        + op.end
        + op.end
    )


def receive_word(reader: Reader) -> bytes:
    """Take a word of 32 bits, and leave it on the stack."""
    return _receive(reader, op.i32_const(_HEAD), op.i32_const(4)) + _loaded(_HEAD)


def _put_pages(reader: Reader) -> bytes:
    """Put the runs of a packet, which has `end` bytes, where they belong."""
    where, length = op.local_get(reader.where), op.local_get(reader.left)
    place, data = where + op.i32_load(0), where + op.i32_const(8) + op.i32_add
    return (
        op.i32_const(_PACKET)
        + op.local_tee(reader.where)
        + op.local_get(reader.end)
        + op.i32_add
        + op.local_set(reader.end)
        + op.loop
        + where
        + op.i32_load(4)
        + op.local_tee(reader.left)
        + op.if_
        + (place + data + length + op.memory_copy())
        + op.else_
        + (place + place + op.i32_load8_u(0) + op.i32_store8(0))
        + op.end
        + (data + length + op.i32_add)
        + op.local_tee(reader.where)
        + op.local_get(reader.end)
        + op.i32_lt_u
        + op.br_if(0)
        + op.end
    )


def _loaded(address: int) -> bytes:
    return op.i32_const(address) + op.i32_load(0)


def _receive(reader: Reader, start: bytes, length: bytes) -> bytes:
    """Read so many bytes, at least one; trap where they do not come."""
    at, rest, count = op.local_get(reader.at), op.local_get(reader.left), _loaded(_COUNT)
    read = (
        op.i32_const(_STDIN)
        + op.i32_const(_IOVEC)
        + op.i32_const(1)
        + op.i32_const(_COUNT)
        + op.call(reader.fd_read)
    )
    return (
        start
        + op.local_set(reader.at)
        + length
        + op.local_set(reader.left)
        + op.loop
        + (op.i32_const(_IOVEC) + at + op.i32_store(0))
        + (op.i32_const(_IOVEC) + rest + op.i32_store(4))
        + (read + _UNLESS_ZERO_TRAP)
        + (count + op.i32_eqz + _UNLESS_ZERO_TRAP)
        + (at + count + op.i32_add + op.local_set(reader.at))
        + (rest + count + op.i32_sub + op.local_tee(reader.left))
        + op.br_if(0)
        + op.end
    )
