"""Calls that open, make, move or delete by name: who may, and what the run's folders hold then."""

from __future__ import annotations

from capsule.confine.scratch import MAX_BYTES, MAX_FILE
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_accounts import is_same, too_many_bytes
from capsule.snapshot.guard_layout import (
    ACCES,
    BADF,
    CLOSED,
    END,
    EXIST,
    FBIG,
    FOLDER,
    GONE,
    ISDIR,
    LINKS,
    MFILE,
    NOSPC,
    O_CREAT,
    O_EXCL,
    O_TRUNC,
    OPEN,
    PRIVATE,
    READ_ONLY,
    REPLACED,
    RIGHT_ALLOCATE,
    RIGHT_SET_SIZE,
    RIGHT_WRITE,
    SIZE,
    WRITABLE,
    XDEV,
    answer,
    call,
    count_bytes,
    count_entries,
    count_open,
    forget_last,
    get,
    give_up_on,
    has,
    is_kind,
    is_type,
    keep,
    no_room,
    of_stat,
    set_kind,
    there,
    when,
)

_WRITING = RIGHT_WRITE | RIGHT_ALLOCATE | RIGHT_SET_SIZE
_FILE_SIZE = of_stat(SIZE)
_LESS = op.i64_const(0) + _FILE_SIZE + op.i64_sub


def _judged(path: int, length: int, errno: int) -> bytes:
    return give_up_on(get(path, length) + call("judge_name"), errno)


def _kind_of(folder: int, kind: int) -> bytes:
    return get(folder) + call("kind") + op.local_set(kind)


def _changing(folder: int, kind: int, refused: bytes) -> bytes:
    """Return what `refused` pushes where the folder is only read."""
    return (
        _kind_of(folder, kind)
        + when(is_kind(kind, CLOSED), answer(BADF))
        + when(is_kind(kind, READ_ONLY), refused, op.return_)
    )


def _needs(folder: int, path: int, length: int) -> bytes:
    """Push why what is there may not be changed."""
    return get(folder, path, length) + call("refuse_there")


def _makes(folder: int, path: int, length: int) -> bytes:
    """Push why nothing may be made."""
    return get(folder, path, length) + call("refuse_new")


def looking(name: str, path: int, arguments: int) -> bytes:
    """Return a call that only looks: its name is judged."""
    judged = _judged(path, path + 1, arguments)
    return op.function([(1, op.I32)], judged, get(*range(arguments)), call(name))


def open_path() -> bytes:
    """Return `path_open`."""
    folder, follows, path, length, flags, rights, inherited, mode, result = range(9)
    kind, errno, missing, new = range(9, 13)
    size = 13
    passed = get(folder, follows, path, length, flags, rights, inherited, mode, result)
    writes = get(rights) + op.i64_const(_WRITING) + op.i64_and + op.i64_eqz + op.i32_eqz
    made = _makes(folder, path, length)
    read_only = when(
        is_kind(kind, READ_ONLY),
        when(
            has(flags, O_CREAT),
            made + op.local_tee(errno) + op.i32_const(EXIST) + op.i32_ne,
            op.if_,
            get(errno) + op.return_,
            op.end,
            when(has(flags, O_EXCL), answer(EXIST)),
            # What may be made, and is there, is only opened.
            get(flags) + op.i32_const(O_CREAT) + op.i32_sub + op.local_set(flags),
        ),
        when(
            writes + has(flags, O_TRUNC) + op.i32_or,
            give_up_on(there(folder, path, length, get(follows)), errno),
            when(is_type(FOLDER), answer(ISDIR)),
            answer(ACCES),
        ),
    )
    private = when(
        is_kind(kind, PRIVATE),
        when(
            has(flags, O_CREAT | O_TRUNC),
            get(folder, follows, path, length) + call("look_up") + op.local_tee(missing),
            op.if_,
            when(
                has(flags, O_CREAT),
                op.i32_const(1) + op.local_set(new),
                when(no_room(), answer(NOSPC)),
            ),
            op.else_,
            when(has(flags, O_TRUNC), _FILE_SIZE + op.local_set(size)),
            op.end,
        ),
    )
    number = get(result) + op.i32_load(0)
    return op.function(
        [(4, op.I32), (1, op.I64)],
        _judged(path, length, errno),
        _kind_of(folder, kind),
        when(is_kind(kind, CLOSED), answer(BADF)),
        when(op.global_get(OPEN) + op.global_get(END) + op.i32_ge_u, answer(MFILE)),
        read_only,
        private,
        give_up_on(passed + call("path_open"), errno),
        when(get(new), count_entries(1)),
        forget_last(),
        count_bytes(op.i64_const(0) + get(size) + op.i64_sub),
        # wasmtime gives a new number when none is free that was given before.
        when(number + op.global_get(END) + op.i32_ge_u, op.unreachable),
        count_open(1),
        set_kind(number, get(kind)),
        op.i32_const(0),
    )


def make_folder() -> bytes:
    """Return `path_create_directory`."""
    folder, path, length, kind, errno = range(5)
    return op.function(
        [(2, op.I32)],
        _judged(path, length, errno),
        _changing(folder, kind, _makes(folder, path, length)),
        when(is_kind(kind, PRIVATE), when(no_room(), answer(NOSPC))),
        give_up_on(get(folder, path, length) + call("path_create_directory"), errno),
        when(is_kind(kind, PRIVATE), count_entries(1)),
        op.i32_const(0),
    )


def remove_folder() -> bytes:
    """Return `path_remove_directory`."""
    folder, path, length, kind, errno = range(5)
    return op.function(
        [(2, op.I32)],
        _judged(path, length, errno),
        _changing(folder, kind, _needs(folder, path, length)),
        give_up_on(get(folder, path, length) + call("path_remove_directory"), errno),
        when(is_kind(kind, PRIVATE), count_entries(-1)),
        op.i32_const(0),
    )


def delete() -> bytes:
    """Return `path_unlink_file`."""
    folder, path, length, kind, errno, unknown = range(6)
    looked = there(folder, path, length)
    return op.function(
        [(3, op.I32)],
        _judged(path, length, errno),
        _changing(folder, kind, _needs(folder, path, length)),
        when(is_kind(kind, PRIVATE), looked + op.local_set(unknown), keep(GONE)),
        give_up_on(get(folder, path, length) + call("path_unlink_file"), errno),
        when(
            is_kind(kind, PRIVATE),
            count_entries(-1),
            when(get(unknown) + op.i32_eqz, call("forget_name")),
        ),
        op.i32_const(0),
    )


def link() -> bytes:
    """Return `path_link`, which gives a file another name in folders of the same kind."""
    old, follows, old_path, old_length, new, new_path, new_length = range(7)
    old_kind, new_kind, errno = range(7, 10)
    passed = get(old, follows, old_path, old_length, new, new_path, new_length)
    old_first = give_up_on(there(old, old_path, old_length), errno)
    return op.function(
        [(3, op.I32)],
        _judged(old_path, old_length, errno),
        _judged(new_path, new_length, errno),
        _changing(old, old_kind, _needs(old, old_path, old_length)),
        _changing(new, new_kind, old_first + _makes(new, new_path, new_length)),
        when(get(old_kind, new_kind) + op.i32_ne, answer(XDEV)),
        when(is_kind(new_kind, PRIVATE), when(no_room(), answer(NOSPC))),
        give_up_on(passed + call("path_link"), errno),
        when(is_kind(new_kind, PRIVATE), count_entries(1)),
        op.i32_const(0),
    )


def rename() -> bytes:
    """Return `path_rename`.

    Between the user's folders and the run's own, a file can be moved that has no other name, and a
    folder cannot, as between two disks: who moves it then copies.
    """
    old, old_path, old_length, new, new_path, new_length = range(6)
    old_kind, new_kind, errno, replaces = range(6, 10)
    size = 10
    passed = get(old, old_path, old_length, new, new_path, new_length)
    old_looked = there(old, old_path, old_length)
    new_looked = there(new, new_path, new_length)
    other_names = of_stat(LINKS) + op.i64_const(1) + op.i64_gt_u
    comes_in = is_kind(new_kind, PRIVATE)

    # What is moved, and its size if it comes in or goes out.
    moved = (
        give_up_on(old_looked, errno)
        + keep(GONE)
        + _FILE_SIZE
        + op.local_set(size)
        + when(
            get(old_kind, new_kind) + op.i32_ne,
            when(is_type(FOLDER), answer(XDEV)),
            when(other_names, answer(XDEV)),
            when(
                comes_in,
                when(no_room(), answer(NOSPC)),
                when(get(size) + op.i64_const(MAX_FILE) + op.i64_gt_u, answer(FBIG)),
                when(too_many_bytes(get(size), MAX_BYTES), answer(NOSPC)),
            ),
        )
    )
    taken_in = (
        count_entries(1)
        + count_bytes(get(size))
        + (op.i32_const(WRITABLE) + op.i32_const(PRIVATE) + call("turn_kind") + op.drop)
    )
    let_out = (
        count_entries(-1)
        + count_bytes(op.i64_const(0) + get(size) + op.i64_sub)
        + (op.i32_const(PRIVATE) + op.i32_const(WRITABLE) + call("turn_kind") + op.drop)
    )
    return op.function(
        [(4, op.I32), (1, op.I64)],
        _judged(old_path, old_length, errno),
        _judged(new_path, new_length, errno),
        _changing(old, old_kind, _needs(old, old_path, old_length)),
        _changing(new, new_kind, _needs(old, old_path, old_length)),
        when(
            get(old_kind) + op.i32_const(PRIVATE) + op.i32_ne + comes_in + op.i32_eqz + op.i32_and,
            passed + call("path_rename") + op.return_,
        ),
        moved,
        # What is replaced is gone afterwards, unless it is the same file: then nothing happens.
        when(
            comes_in,
            when(
                new_looked + op.i32_eqz,
                op.i32_const(1) + op.local_set(replaces),
                when(is_same, passed + call("path_rename") + op.return_),
                keep(REPLACED),
            ),
        ),
        give_up_on(passed + call("path_rename"), errno),
        when(
            get(old_kind, new_kind) + op.i32_ne,
            when(comes_in, taken_in, otherwise=let_out),
        ),
        when(
            get(replaces),
            count_entries(-1),
            keep(GONE, REPLACED),
            call("forget_name"),
        ),
        op.i32_const(0),
    )
