"""What the guard knows of descriptors and the files behind them, and what those of the run hold."""

from __future__ import annotations

from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_layout import (
    BADF,
    BORROWED,
    BYTES,
    CHARACTER_DEVICE,
    CLOSED,
    DESCRIPTORS,
    DEVICE,
    END,
    FILE_TYPE,
    FOLDER,
    GONE,
    INODE,
    LINKS,
    MAX_DESCRIPTORS,
    MAX_OPEN,
    NAMELESS,
    NOTHING_OPEN,
    ONE_CLOSED,
    OPEN,
    PLACES,
    PRIVATE,
    SIZE,
    STAT,
    STAT_SIZE,
    answer,
    call,
    count_bytes,
    count_open,
    forget_last,
    get,
    give_up_on,
    is_kind,
    is_type,
    keep,
    of_stat,
    set_kind,
    when,
)

# Push what the descriptor on the stack is: all functions that answer, and take nothing, are type 0.
_KIND = op.call_indirect(0, DESCRIPTORS)


# Push the lowest number that a file can have, while all are open that are there from the start.
first_given = op.global_get(END) + op.i32_const(MAX_OPEN) + op.i32_sub


def kind() -> bytes:
    """Return the function that takes a descriptor and says what it is."""
    known = get(0) + op.i32_const(MAX_DESCRIPTORS) + op.i32_lt_u
    return op.function(
        [],
        when(known, get(0) + _KIND + op.return_),
        op.i32_const(CLOSED),
    )


def _asking(question: bytes, errno: int, word: int) -> bytes:
    """Have WASI write of a file to what is borrowed, and keep it as `STAT`."""
    borrowed = op.i32_const(BORROWED)
    words = range(0, STAT_SIZE, 8)
    code = b"".join(borrowed + op.i64_load(at) for at in words) + question + op.local_set(errno)
    for field, at in PLACES.items():
        load = op.i64_load8_u if field == FILE_TYPE else op.i64_load
        code += borrowed + load(at) + op.global_set(STAT + field)
    for at in reversed(words):
        code += op.local_set(word) + borrowed + get(word) + op.i64_store(at)
    return code + get(errno)


def look_at() -> bytes:
    """Return the function that asks of a descriptor's file."""
    descriptor, errno, word = range(3)
    question = get(descriptor) + op.i32_const(BORROWED) + call("fd_filestat_get")
    return op.function([(1, op.I32), (1, op.I64)], _asking(question, errno, word))


def look_up() -> bytes:
    """Return the function that asks of a folder's file, given whether links are followed."""
    folder, follows, path, length, errno, word = range(6)
    question = get(folder, follows, path, length) + op.i32_const(BORROWED)
    question += call("path_filestat_get")
    return op.function([(1, op.I32), (1, op.I64)], _asking(question, errno, word))


def _is_same() -> bytes:
    inode = of_stat(INODE) + of_stat(INODE, GONE) + op.i64_eq
    return inode + of_stat(DEVICE) + of_stat(DEVICE, GONE) + op.i64_eq + op.i32_and


is_same = _is_same()


def turn_kind() -> bytes:
    """Return the function that gives another kind to all that are open of the file in `GONE`.

    It takes the kind that they have and the one that they get, and returns how many there are.
    """
    before, after, at, found = range(4)
    one_more = get(found) + op.i32_const(1) + op.i32_add + op.local_set(found)
    same = when(is_same, set_kind(get(at), get(after)), one_more)
    asked = when(get(at) + call("look_at") + op.i32_eqz, same)
    this = get(at) + _KIND + get(before) + op.i32_eq
    step = get(at) + op.i32_const(1) + op.i32_add + op.local_set(at)
    more = get(at) + op.global_get(END) + op.i32_lt_u
    first = first_given + op.local_set(at)
    return op.function(
        [(2, op.I32)],
        # Those before it are the folders that are there from the start.
        forget_last(),
        first,
        op.loop + when(more, when(this, asked), step, op.br(1)) + op.end,
        get(found),
    )


def forget_name() -> bytes:
    """Return the function for when what is in `GONE` has lost a name in a private folder.

    Its bytes are gone with the last name, or when the last descriptor is closed.
    """
    others = of_stat(LINKS, GONE) + op.i64_const(1) + op.i64_gt_u
    still_open = op.i32_const(PRIVATE) + op.i32_const(NAMELESS) + call("turn_kind")
    less = op.i64_const(0) + of_stat(SIZE, GONE) + op.i64_sub
    return op.function(
        [],
        when(is_type(FOLDER, GONE), op.return_),
        when(others, op.return_),
        when(still_open + op.i32_eqz, count_bytes(less)),
    )


def close() -> bytes:
    """Return `fd_close`."""
    descriptor, errno, before = range(3)
    still_open = op.i32_const(NAMELESS) * 2 + call("turn_kind")
    less = op.i64_const(0) + of_stat(SIZE, GONE) + op.i64_sub
    return op.function(
        [(2, op.I32)],
        get(descriptor) + call("kind") + op.local_set(before),
        when(
            is_kind(before, NAMELESS),
            give_up_on(get(descriptor) + call("look_at"), errno),
            keep(GONE),
        ),
        forget_last(),
        give_up_on(get(descriptor) + call("fd_close"), errno),
        when(
            get(before),
            set_kind(get(descriptor), op.i32_const(CLOSED)),
            count_open(-1),
            when(
                get(descriptor) + first_given + op.i32_lt_u,
                op.i32_const(1) + op.global_set(ONE_CLOSED),
            ),
        ),
        when(
            is_kind(before, NAMELESS),
            when(still_open + op.i32_eqz, count_bytes(less)),
        ),
        op.i32_const(0),
    )


def describe() -> bytes:
    """Return `fd_fdstat_get`, which answers for one number that no file has.

    It is a terminal while nothing is open but what is there from the start, and else closed. Who
    wants to know what is open need not ask for each number, which takes an exception for most.
    """
    descriptor, answered = range(2)
    some = op.global_get(OPEN) + first_given + op.i32_ne + op.global_get(ONE_CLOSED) + op.i32_or
    # A terminal cannot be moved in: it has no such right.
    said = ((0, CHARACTER_DEVICE), (8, 0), (16, 0))
    write = (get(answered) + op.i64_const(value) + op.i64_store(at) for at, value in said)
    return op.function(
        [],
        when(
            get(descriptor) + op.i32_const(NOTHING_OPEN) + op.i32_eq,
            when(some, answer(BADF)),
            *write,
            answer(0),
        ),
        get(descriptor, answered),
        call("fd_fdstat_get"),
    )


def too_many_bytes(more: bytes, most: int) -> bytes:
    """Push whether the private folders would hold too much with so many bytes more."""
    return op.global_get(BYTES) + more + op.i64_add + op.i64_const(most) + op.i64_gt_s
