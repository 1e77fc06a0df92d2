"""Reading and writing: in pieces, where much is moved at once, and within what the run may hold.

Each call of WASI is given one buffer, as it takes but one: the first that is not empty.
"""

from __future__ import annotations

from capsule.confine.scratch import MAX_BYTES, MAX_FILE
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_accounts import too_many_bytes
from capsule.snapshot.guard_layout import (
    APPEND,
    BADF,
    BORROWED,
    CLOSED,
    FBIG,
    FILE,
    INVAL,
    LAST,
    LAST_SIZE,
    NOSPC,
    ONE_READ,
    PIECE,
    READ_ONLY,
    SIZE,
    STREAM,
    WRITABLE,
    answer,
    call,
    count_bytes,
    forget_last,
    get,
    give_up_on,
    is_kind,
    is_type,
    of_stat,
    when,
)

# In place of an offset: where the file is at.
HERE = -1
_ADDRESS, _LENGTH = 0, 4


def _plain(way: str, descriptor: int, buffer: int, offset: int, result: int) -> bytes:
    """Push the answer of `fd_read` or `fd_write`, or, where there is an offset, of their pairs."""
    first = get(descriptor, buffer) + op.i32_const(1)
    return (
        get(offset)
        + op.i64_const(0)
        + op.i64_lt_s
        + op.if_i32
        + (first + get(result) + call(f"fd_{way}"))
        + op.else_
        + (first + get(offset, result) + call(f"fd_p{way}"))
        + op.end
    )


def _is_refused(kind: int) -> bytes:
    return when(is_kind(kind, CLOSED), answer(BADF)) + when(is_kind(kind, READ_ONLY), answer(BADF))


def _place(descriptor: int, place: int, errno: int, saved: int) -> bytes:
    """Have a local hold where a file is at."""
    borrowed = op.i32_const(BORROWED)
    return (
        borrowed
        + op.i64_load(0)
        + op.local_set(saved)
        + (get(descriptor) + borrowed + call("fd_tell") + op.local_set(errno))
        + (borrowed + op.i64_load(0) + op.local_set(place))
        + (borrowed + get(saved) + op.i64_store(0))
        + give_up_on(get(errno), errno)
    )


def _is_appended_to(descriptor: int, errno: int, saved: int, second: int) -> bytes:
    """Push a number that is not 0 where what is written goes to a file's end in any case."""
    borrowed = op.i32_const(BORROWED)
    return (
        # Three words are written there: type and flags, and two sets of rights.
        (borrowed + op.i64_load(0) + op.local_set(saved))
        + (borrowed + op.i64_load(8) + borrowed + op.i64_load(16))
        + (get(descriptor) + borrowed + call("fd_fdstat_get") + op.drop)
        + (borrowed + op.i32_load16_u(2) + op.local_set(errno))
        + (op.local_set(second) + borrowed + get(second) + op.i64_store(16))
        + (op.local_set(second) + borrowed + get(second) + op.i64_store(8))
        + (borrowed + get(saved) + op.i64_store(0))
        + (get(errno) + op.i32_const(APPEND) + op.i32_and)
    )


def write_piece() -> bytes:
    """Return the function that writes one buffer: descriptor, buffer, offset or `HERE`, result."""
    descriptor, buffer, offset, result, kind, errno = range(6)
    size, place, length, end, saved, second = range(6, 12)
    plain = _plain("write", descriptor, buffer, offset, result)
    grown = get(end, size) + op.i64_sub
    ends_within = get(end, size) + op.i64_lt_u
    too_long = get(end) + op.i64_const(MAX_FILE) + op.i64_gt_u
    further = get(place, size) + get(place, size) + op.i64_gt_u + op.select
    at_its_end = get(size, place) + _is_appended_to(descriptor, errno, saved, second) + op.select
    written = get(result) + op.i32_load(0) + op.i64_extend_i32_u
    return op.function(
        [(2, op.I32), (6, op.I64)],
        get(descriptor) + call("kind") + op.local_set(kind),
        _is_refused(kind),
        when(is_kind(kind, WRITABLE), plain, op.return_),
        when(is_kind(kind, STREAM), plain, op.return_),
        when(
            get(descriptor) + op.global_get(LAST) + op.i32_eq,
            op.global_get(LAST_SIZE) + op.local_set(size),
            otherwise=give_up_on(get(descriptor) + call("look_at"), errno)
            + of_stat(SIZE)
            + op.local_set(size),
        ),
        forget_last(),
        get(buffer) + op.i32_load(_LENGTH) + op.i64_extend_i32_u + op.local_set(length),
        get(offset) + op.local_set(place),
        when(
            get(offset) + op.i64_const(0) + op.i64_lt_s,
            _place(descriptor, place, errno, saved),
        ),
        # Where the file ends at most: it is not known yet whether it is appended to.
        further + get(length) + op.i64_add + op.local_set(end),
        when(
            too_long + too_many_bytes(grown, MAX_BYTES) + op.i32_or,
            at_its_end + get(length) + op.i64_add + op.local_set(end),
            when(too_long, answer(FBIG)),
            when(ends_within, get(size) + op.local_set(end)),
            when(too_many_bytes(grown, MAX_BYTES), answer(NOSPC)),
        ),
        give_up_on(plain, errno),
        when(
            get(place, size) + op.i64_eq,
            get(size) + written + op.i64_add + op.local_set(end),
            # It is written all the same, so what is not known is taken to be as large as can be.
            otherwise=when(
                get(descriptor) + call("look_at") + op.i32_eqz,
                of_stat(SIZE) + op.local_set(end),
            ),
        ),
        count_bytes(grown),
        get(descriptor) + op.global_set(LAST),
        get(end) + op.global_set(LAST_SIZE),
        op.i32_const(0),
    )


def _skip_empty(buffers: int, count: int) -> bytes:
    def move(local: int, by: int) -> bytes:
        return get(local) + op.i32_const(by) + op.i32_add + op.local_set(local)

    is_empty = get(buffers) + op.i32_load(_LENGTH) + op.i32_eqz
    skipped = when(is_empty, move(buffers, 8) + move(count, -1) + op.br(2))
    return op.loop + when(get(count), skipped) + op.end


def _in_pieces(way: str) -> bytes:
    """Return a function that moves what is in the first buffer: all of it, as far as files go.

    It takes descriptor, buffers, how many there are, offset or `HERE`, and where the result goes.
    """
    descriptor, buffers, count, offset, result = range(5)
    address, length, done, piece, errno, moved, kind, regular = range(5, 13)
    place = 13
    if way == "write":
        step, asked = get(descriptor, buffers, place, result) + call("write_piece"), b""
        most, more = PIECE, get(moved, piece) + op.i32_eq
    else:
        step = _plain("read", descriptor, buffers, place, result)
        # A pipe that has no more right now would be waited for.
        asked = when(
            get(descriptor) + call("look_at") + op.i32_eqz,
            is_type(FILE) + op.local_set(regular),
        )
        most, more = ONE_READ, get(moved) + op.i32_const(0) + op.i32_ne + get(regular) + op.i32_and
    rest = get(length, done) + op.i32_sub
    least = rest + op.i32_const(PIECE) + rest + op.i32_const(PIECE) + op.i32_lt_u + op.select
    nothing = op.i32_const(0) + op.local_set(moved)
    return op.function(
        [(8, op.I32), (1, op.I64)],
        get(descriptor) + call("kind") + op.local_set(kind),
        _skip_empty(buffers, count),
        when(
            get(count) + op.i32_eqz,
            # No word to WASI for what moves nothing.
            (_is_refused(kind) if way == "write" else b""),
            get(result) + op.i32_const(0) + op.i32_store(0),
            answer(0),
        ),
        get(offset) + op.local_set(place),
        when(
            get(buffers) + op.i32_load(_LENGTH) + op.i32_const(most + 1) + op.i32_lt_u,
            step + op.return_,
        ),
        asked,
        get(buffers) + op.i32_load(_ADDRESS) + op.local_set(address),
        get(buffers) + op.i32_load(_LENGTH) + op.local_set(length),
        op.loop,
        (get(buffers) + get(address, done) + op.i32_add + op.i32_store(_ADDRESS)),
        (get(buffers) + least + op.local_tee(piece) + op.i32_store(_LENGTH)),
        nothing,
        when(
            step + op.local_tee(errno) + op.i32_eqz,
            get(result) + op.i32_load(0) + op.local_set(moved),
        ),
        get(done, moved) + op.i32_add + op.local_set(done),
        when(
            get(offset) + op.i64_const(0) + op.i64_lt_s + op.i32_eqz,
            get(offset) + get(done) + op.i64_extend_i32_u + op.i64_add + op.local_set(place),
        ),
        more + get(done, length) + op.i32_lt_u + op.i32_and,
        op.br_if(0),
        op.end,
        (get(buffers, address) + op.i32_store(_ADDRESS)),
        (get(buffers, length) + op.i32_store(_LENGTH)),
        when(get(errno) + get(done) + op.i32_eqz + op.i32_and, get(errno) + op.return_),
        get(result, done) + op.i32_store(0),
        op.i32_const(0),
    )


def write() -> bytes:
    """Return the function behind `fd_write` and `fd_pwrite`."""
    return _in_pieces("write")


def read() -> bytes:
    """Return the function behind `fd_read` and `fd_pread`."""
    return _in_pieces("read")


def at_place(way: str) -> bytes:
    """Return `fd_read` or `fd_write`."""
    moved = get(0, 1, 2) + op.i64_const(HERE) + get(3) + call(way)
    return op.function([], moved)


def at_offset(way: str) -> bytes:
    """Return `fd_pread` or `fd_pwrite`."""
    # One that is below zero is none.
    refused = when(get(3) + op.i64_const(0) + op.i64_lt_s, answer(INVAL))
    return op.function([], refused, get(0, 1, 2, 3, 4) + call(way))


def set_size() -> bytes:
    """Return `fd_filestat_set_size`."""
    descriptor, size, kind, errno = range(4)
    before = 4
    grown = get(size, before) + op.i64_sub
    counted = when(
        is_kind(kind, WRITABLE) + op.i32_eqz,
        give_up_on(get(descriptor) + call("look_at"), errno),
        of_stat(SIZE) + op.local_set(before),
        when(get(size) + op.i64_const(MAX_FILE) + op.i64_gt_u, answer(FBIG)),
        when(
            get(size, before) + op.i64_gt_u,
            when(too_many_bytes(grown, MAX_BYTES), answer(NOSPC)),
        ),
    )
    return op.function(
        [(2, op.I32), (1, op.I64)],
        get(descriptor) + call("kind") + op.local_set(kind),
        _is_refused(kind),
        counted,
        forget_last(),
        give_up_on(get(descriptor, size) + call("fd_filestat_set_size"), errno),
        when(is_kind(kind, WRITABLE) + op.i32_eqz, count_bytes(grown)),
        op.i32_const(0),
    )


def random() -> bytes:
    """Return `random_get`, in pieces."""
    address, length, piece, errno = range(4)
    least = get(length) + op.i32_const(PIECE) + get(length) + op.i32_const(PIECE)
    least += op.i32_lt_u + op.select
    return op.function(
        [(2, op.I32)],
        op.loop,
        least + op.local_set(piece),
        give_up_on(get(address, piece) + call("random_get"), errno),
        get(address, piece) + op.i32_add + op.local_set(address),
        get(length, piece) + op.i32_sub + op.local_tee(length),
        op.br_if(0),
        op.end,
        op.i32_const(0),
    )
