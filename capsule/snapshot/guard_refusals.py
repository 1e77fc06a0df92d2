"""What is said below a folder that is only read: first what is wrong with a name, as systems do.

And the one exit status that the interpreter may not take.
"""

from __future__ import annotations

from capsule.process.trap_report import TRAPPED_ON_WINDOWS
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_layout import (
    ACCES,
    EXIST,
    NOENT,
    WINDOWS,
    answer,
    call,
    get,
    give_up_on,
    there,
    when,
)

_SLASH = ord("/")


def refuse_there() -> bytes:
    """Return the function for what has to be there: folder and name."""
    folder, path, length, errno = range(4)
    found = there(folder, path, length)
    return op.function([(1, op.I32)], give_up_on(found, errno), op.i32_const(ACCES))


def refuse_new() -> bytes:
    """Return the function for what must not be there, but its folder: folder and name."""
    folder, path, length, errno, end = range(5)
    at_end = get(path, end) + op.i32_add + op.i32_const(1) + op.i32_sub + op.i32_load8_u(0)
    less = get(end) + op.i32_const(1) + op.i32_sub + op.local_set(end)

    def past(stop: bytes) -> bytes:
        """Move `end` back to where `stop` holds of the byte before it, or to the beginning."""
        step = when(at_end + stop + op.i32_eqz, less, op.br(2))
        return op.loop + when(get(end), step) + op.end

    is_slash = op.i32_const(_SLASH) + op.i32_eq
    parent = get(folder) + op.i32_const(1) + get(path, end) + call("look_up")
    return op.function(
        [(2, op.I32)],
        when(there(folder, path, length) + op.local_tee(errno) + op.i32_eqz, answer(EXIST)),
        when(get(errno) + op.i32_const(NOENT) + op.i32_ne, get(errno) + op.return_),
        get(length) + op.local_set(end),
        # Slashes behind the name, and then the name.
        past(is_slash + op.i32_eqz),
        past(is_slash),
        when(get(end), give_up_on(parent, errno)),
        op.i32_const(ACCES),
    )


def leave() -> bytes:
    """Return `proc_exit`, by which nobody ends as wasmtime itself ends after a trap.

    Else a forged report would be believed. Elsewhere than on Windows `proc_exit` takes no such
    status.
    """
    status = 0
    is_a_traps = get(status) + op.i32_const(TRAPPED_ON_WINDOWS) + op.i32_eq
    return op.function(
        [],
        when(op.global_get(WINDOWS), when(is_a_traps, op.i32_const(1) + op.local_set(status))),
        get(status),
        call("proc_exit"),
    )
