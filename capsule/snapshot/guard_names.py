"""Names of files, as they reach WASI: what could be read as another place is refused.

wasmtime resolves each name below the folder that it was given with, and lets none lead out. These
rules do not rest on that: no absolute path, no `..` that climbs above the folder, no NUL. On
Windows the system itself gives more characters, and some whole names, a meaning.
"""

from __future__ import annotations

from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_layout import (
    INVAL,
    PERM,
    WINDOWS,
    answer,
    call,
    get,
    give_up_on,
    when,
)

_SLASH, _DOT, _SPACE = ord("/"), ord("."), ord(" ")
_CLIMB = int.from_bytes(b"..", "little")
# What no name on Windows has: `\` is another `/`, `:` ends a drive or begins a stream of a file,
# and the others are patterns or nothing.
_REFUSED = sum(1 << code for code in [*range(32), *b'\\:<>"|?*'])
_LOW, _HIGH = _REFUSED & ((1 << 64) - 1), _REFUSED >> 64
# What each of these names is a device, in each folder, and with each extension.
_PORTS = [*b"0123456789"], ["\u00b9", "\u00b2", "\u00b3"]
DEVICES = [
    *(b"CON", b"PRN", b"AUX", b"NUL", b"CONIN$", b"CONOUT$"),
    *(port + bytes([digit]) for port in (b"COM", b"LPT") for digit in _PORTS[0]),
    *(port + digit.encode() for port in (b"COM", b"LPT") for digit in _PORTS[1]),
]
_LONGEST = max(map(len, DEVICES))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _walk(at: int, end: int, component: bytes) -> bytes:
    """Do something for each component; it moves the local `at` to the component's end."""
    step = get(at) + op.i32_const(1) + op.i32_add + op.local_set(at)
    more = get(at, end) + op.i32_lt_u
    return op.loop + when(more, component, step, op.br(1)) + op.end


def _characters(at: int, end: int, code: int, each: bytes) -> bytes:
    """Do something for each byte up to the next slash or the end; the local `code` has it."""
    return (
        op.block
        + op.loop
        + get(at, end)
        + op.i32_ge_u
        + op.br_if(1)
        + get(at)
        + op.i32_load8_u(0)
        + op.local_tee(code)
        + op.i32_const(_SLASH)
        + op.i32_eq
        + op.br_if(1)
        + each
        + get(at)
        + op.i32_const(1)
        + op.i32_add
        + op.local_set(at)
        + op.br(0)
        + op.end
        + op.end
    )


def judge_name() -> bytes:
    """Return the function that takes a path and its length, and answers with an error or 0."""
    path, length, end, start, depth, code = range(6)
    size = get(path, start) + op.i32_sub
    first_two = get(start) + op.i32_load16_u(0)
    climbs = size + op.i32_const(2) + op.i32_eq
    stays = size + op.i32_const(1) + op.i32_eq
    begins_with_dot = get(start) + op.i32_load8_u(0) + op.i32_const(_DOT) + op.i32_eq

    def deeper(by: int) -> bytes:
        return get(depth) + op.i32_const(by) + op.i32_add + op.local_set(depth)

    component = (
        get(path)
        + op.local_set(start)
        + _characters(path, end, code, when(get(code) + op.i32_eqz, answer(INVAL)))
        + deeper(1)
        # An empty component, `.` and `..` lead no deeper.
        + when(size + op.i32_eqz, deeper(-1))
        + when(stays, when(begins_with_dot, deeper(-1)))
        + when(climbs, when(first_two + op.i32_const(_CLIMB) + op.i32_eq, deeper(-2)))
        + when(get(depth) + op.i32_const(0) + op.i32_lt_s, answer(PERM))
    )
    return op.function(
        [(4, op.I32)],
        when(
            op.global_get(WINDOWS),
            give_up_on(get(path, length) + call("judge_windows_name"), code),
        ),
        when(get(length) + op.i32_eqz, answer(0)),
        get(path, length) + op.i32_add + op.local_set(end),
        when(get(path) + op.i32_load8_u(0) + op.i32_const(_SLASH) + op.i32_eq, answer(PERM)),
        _walk(path, end, component),
        op.i32_const(0),
    )


def judge_windows_name() -> bytes:
    """Return the function that takes a path and its length, and answers with an error or 0."""
    path, length, end, start, code, known, word = range(7)
    # `word` is what comes before the first dot, in capitals; `known` whether that goes on, as 0,
    # whether a space came, as 1, and whether it is over, as 2.
    going, spaced, over = range(3)

    def is_code(character: int) -> bytes:
        return get(code) + op.i32_const(character) + op.i32_eq

    def now(state: int) -> bytes:
        return op.i32_const(state) + op.local_set(known)

    def refused(mask: int, low: int) -> bytes:
        bit = get(code) + op.i32_const(low) + op.i32_sub + op.i64_extend_i32_u
        return op.i64_const(_signed(mask)) + bit + op.i64_shr_u + op.i64_const(1) + op.i64_and

    def within(first: int, count: int) -> bytes:
        return get(code) + op.i32_const(first) + op.i32_sub + op.i32_const(count) + op.i32_lt_u

    longer = (
        # More bytes than the longest device has push out the first, and may not look like one.
        when(
            get(word) + op.i64_const(8 * (_LONGEST - 1)) + op.i64_shr_u + op.i64_eqz + op.i32_eqz,
            op.i64_const(0) + op.local_set(word) + now(over),
            otherwise=get(word)
            + op.i64_const(8)
            + op.i64_shl
            + get(code)
            + op.i64_extend_i32_u
            + op.i64_or
            + op.local_set(word),
        )
    )
    small = within(ord("a"), 26)
    each = (
        when(within(0, 64), when(refused(_LOW, 0) + op.i32_wrap_i64, answer(INVAL)))
        + when(within(64, 64), when(refused(_HIGH, 64) + op.i32_wrap_i64, answer(INVAL)))
        + when(small, get(code) + op.i32_const(32) + op.i32_sub + op.local_set(code))
        + when(is_code(_DOT), now(over))
        + when(
            get(known) + op.i32_const(spaced) + op.i32_eq,
            # A word behind a space: no device has one.
            when(is_code(_SPACE) + op.i32_eqz, op.i64_const(0) + op.local_set(word) + now(over)),
        )
        + when(
            get(known) + op.i32_eqz,
            when(is_code(_SPACE), now(spaced), otherwise=longer),
        )
    )
    # `code` is the last byte that was read, and may be the slash: it is read again.
    last = get(path) + op.i32_const(1) + op.i32_sub + op.i32_load8_u(0)
    size = get(path, start) + op.i32_sub
    dots = get(start) + op.i32_load16_u(0) + op.i32_const(_CLIMB) + op.i32_eq
    ends_in_dot = when(
        last + op.i32_const(_DOT) + op.i32_eq,
        when(
            size + op.i32_const(2) + op.i32_gt_u,
            answer(INVAL),
            otherwise=when(
                size + op.i32_const(2) + op.i32_eq, when(dots + op.i32_eqz, answer(INVAL))
            ),
        ),
    )
    is_device = b"".join(
        when(
            get(word) + op.i64_const(int.from_bytes(device, "big")) + op.i64_eq,
            answer(INVAL),
        )
        for device in DEVICES
    )
    component = (
        get(path)
        + op.local_set(start)
        + op.i64_const(0)
        + op.local_set(word)
        + now(going)
        + _characters(path, end, code, each)
        + when(
            size,
            when(last + op.i32_const(_SPACE) + op.i32_eq, answer(INVAL)),
            ends_in_dot,
            is_device,
        )
    )
    return op.function(
        [(4, op.I32), (1, op.I64)],
        get(path, length) + op.i32_add + op.local_set(end),
        _walk(path, end, component),
        op.i32_const(0),
    )
