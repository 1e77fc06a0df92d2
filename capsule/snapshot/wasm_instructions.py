"""The few WebAssembly instructions that capsule's own modules consist of, as bytes.

Each name is the instruction's name in the specification; the functions take its immediates.
"""

from __future__ import annotations

from capsule.wasm import sized, sleb, uleb, vector

I32, I64 = b"\x7f", b"\x7e"
FUNCTION = b"\x70"
NO_RESULT = b"\x40"

unreachable = b"\x00"
end = b"\x0b"
return_ = b"\x0f"
drop = b"\x1a"
select = b"\x1b"
memory_size = b"\x3f\x00"
memory_grow = b"\x40\x00"

i32_eqz = b"\x45"
i32_eq = b"\x46"
i32_ne = b"\x47"
i32_lt_s = b"\x48"
i32_lt_u = b"\x49"
i32_gt_u = b"\x4b"
i32_ge_s = b"\x4e"
i32_ge_u = b"\x4f"
i32_add = b"\x6a"
i32_sub = b"\x6b"
i32_mul = b"\x6c"
i32_and = b"\x71"
i32_or = b"\x72"
i32_wrap_i64 = b"\xa7"
i64_eqz = b"\x50"
i64_eq = b"\x51"
i64_ne = b"\x52"
i64_lt_s = b"\x53"
i64_lt_u = b"\x54"
i64_gt_s = b"\x55"
i64_gt_u = b"\x56"
i64_extend_i32_u = b"\xad"
i64_add = b"\x7c"
i64_sub = b"\x7d"
i64_mul = b"\x7e"
i64_div_u = b"\x80"
i64_and = b"\x83"
i64_or = b"\x84"
i64_shl = b"\x86"
i64_shr_u = b"\x88"

block = b"\x02" + NO_RESULT
loop = b"\x03" + NO_RESULT
if_ = b"\x04" + NO_RESULT
if_i32 = b"\x04" + I32
else_ = b"\x05"


def br(depth: int) -> bytes:
    return b"\x0c" + uleb(depth)


def br_if(depth: int) -> bytes:
    return b"\x0d" + uleb(depth)


def call(function: int) -> bytes:
    return b"\x10" + uleb(function)


def call_indirect(kind: int, table: int) -> bytes:
    """Call the function of this type that stands in a table: takes the place in it last."""
    return b"\x11" + uleb(kind) + uleb(table)


def table_get(table: int) -> bytes:
    return b"\x25" + uleb(table)


def table_set(table: int) -> bytes:
    return b"\x26" + uleb(table)


def table_fill(table: int) -> bytes:
    """Fill with a reference: takes the first place, the reference and how many places."""
    return b"\xfc\x11" + uleb(table)


def local_get(index: int) -> bytes:
    return b"\x20" + uleb(index)


def local_set(index: int) -> bytes:
    return b"\x21" + uleb(index)


def local_tee(index: int) -> bytes:
    return b"\x22" + uleb(index)


def global_get(index: int) -> bytes:
    return b"\x23" + uleb(index)


def global_set(index: int) -> bytes:
    return b"\x24" + uleb(index)


def i32_const(value: int) -> bytes:
    """Push a number from -2^31 to 2^32 - 1; addresses are written as unsigned."""
    return b"\x41" + sleb(value - (1 << 32) if value >= 1 << 31 else value)


def i64_const(value: int) -> bytes:
    return b"\x42" + sleb(value)


def i32_load(offset: int) -> bytes:
    return b"\x28\x00" + uleb(offset)


def i32_load8_u(offset: int) -> bytes:
    return b"\x2d\x00" + uleb(offset)


def i32_load16_u(offset: int) -> bytes:
    return b"\x2f\x00" + uleb(offset)


def i32_store(offset: int) -> bytes:
    return b"\x36\x00" + uleb(offset)


def i32_store8(offset: int) -> bytes:
    return b"\x3a\x00" + uleb(offset)


def i64_load8_u(offset: int) -> bytes:
    return b"\x31\x00" + uleb(offset)


def i64_load(offset: int) -> bytes:
    return b"\x29\x00" + uleb(offset)


def i64_store(offset: int) -> bytes:
    return b"\x37\x00" + uleb(offset)


def memory_fill() -> bytes:
    """Fill with a byte: takes the target, the byte and the length."""
    return b"\xfc\x0b\x00"


def memory_copy() -> bytes:
    """Copy within memory: takes the target, the source and the length."""
    return b"\xfc\x0a\x00\x00"


def memory_init(segment: int) -> bytes:
    """Copy from a passive data segment: takes the target, the source and the length."""
    return b"\xfc\x08" + uleb(segment) + b"\x00"


def function_type(parameters: bytes, results: bytes) -> bytes:
    return b"\x60" + sized(parameters) + sized(results)


def function(local_types: list[tuple[int, bytes]], *code: bytes) -> bytes:
    """Return a code entry: its locals as (count, type), then its body with the closing `end`."""
    groups = vector([uleb(count) + kind for count, kind in local_types])
    return sized(groups + b"".join(code) + end)
