"""The guard as a module: what it exports in place of WASI, and how a run tells it what holds there.

A call in which there is nothing to judge is WASI's own, exported again, and takes no time here.
"""

from __future__ import annotations

from capsule import wasm
from capsule.confine.guard_words import WINDOWS_NAMES
from capsule.process.argv import ARGV0, BUDGET_DIGITS, SEAL_DIGITS
from capsule.snapshot import guard_accounts as accounts
from capsule.snapshot import guard_contents as contents
from capsule.snapshot import guard_names as names
from capsule.snapshot import guard_paths as paths
from capsule.snapshot import guard_refusals as refusals
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_layout import (
    BORROWED,
    CLOSED,
    DESCRIPTORS,
    END,
    GLOBALS,
    KIND_NAMES,
    KINDS,
    MAX_DESCRIPTORS,
    MAX_OPEN,
    NOTSOCK,
    OPEN,
    PERM,
    SHARED,
    STREAM,
    WINDOWS,
    call,
    get,
    set_kind,
    when,
)
from capsule.toolstore.import_memory import MODULE as MEMORY
from capsule.toolstore.import_memory import NAME
from capsule.toolstore.wasi_calls import CALLS, NO_ANSWER, START, WASI

MODULE_NAME = "capsule_guard"
_TYPE_OF = {"i": op.I32, "I": op.I64}
# What the functions that are shared take, and whether they answer.
_SHARED_TYPES = {
    **dict.fromkeys(KIND_NAMES, ""),
    "kind": "i",
    "refuse_there": "iii",
    "refuse_new": "iii",
    "judge_name": "ii",
    "judge_windows_name": "ii",
    "look_at": "i",
    "look_up": "iiii",
    "turn_kind": "ii",
    "forget_name": "",
    "write_piece": "iiIi",
    "write": "iiiIi",
    "read": "iiiIi",
}
_SILENT = NO_ANSWER | {"forget_name", START}

# Where the words for the guard begin in the text of all arguments, and how long that may be.
_FIRST_WORD = len(ARGV0) + 1 + BUDGET_DIGITS + SEAL_DIGITS
_MOST = 4000


def _refuse(errno: int) -> bytes:
    return op.function([], op.i32_const(errno))


def _no_arguments() -> bytes:
    """Return `args_sizes_get`: what the driver and the guard are told is not the interpreter's."""
    none = b"".join(get(where) + op.i32_const(0) + op.i32_store(0) for where in range(2))
    return op.function([], none, op.i32_const(0))


def _start() -> bytes:
    """Return what the driver calls first, before any code of the interpreter.

    It reads what the host has to say of the folders: in a letter, how names are judged, and in a
    digit for each what it is. Where that was written stays as it was, all zero.
    """
    length, at, word, number = range(4)
    borrowed, text = op.i32_const(BORROWED), BORROWED + 16

    def checked(answer: bytes) -> bytes:
        return when(answer, op.unreachable)

    closed = op.i32_const(0) + op.i32_const(CLOSED) + op.table_get(KINDS)
    closed += op.i32_const(MAX_DESCRIPTORS) + op.table_fill(DESCRIPTORS)
    streams = b"".join(set_kind(op.i32_const(fd), op.i32_const(STREAM)) for fd in range(3))
    folders = (
        op.loop
        + when(
            get(at) + op.i32_load8_u(text + _FIRST_WORD + 1) + op.local_tee(word),
            set_kind(get(number), get(word) + op.i32_const(15) + op.i32_and),
            get(number) + op.i32_const(1) + op.i32_add + op.local_set(number),
            get(at) + op.i32_const(1) + op.i32_add + op.local_set(at),
            op.br(1),
        )
        + op.end
    )
    is_windows = op.i32_const(text + _FIRST_WORD) + op.i32_load8_u(0)
    is_windows += op.i32_const(ord(WINDOWS_NAMES)) + op.i32_eq
    end = get(number) + op.i32_const(MAX_OPEN) + op.i32_add + op.local_tee(length)
    return op.function(
        [(4, op.I32)],
        checked(borrowed + op.i32_const(BORROWED + 4) + call("args_sizes_get")),
        borrowed + op.i32_load(4) + op.local_set(length),
        checked(get(length) + op.i32_const(_MOST) + op.i32_gt_u),
        checked(borrowed + op.i32_const(text) + call("args_get")),
        closed,
        streams,
        op.i32_const(3) + op.local_set(number),
        folders,
        is_windows + op.global_set(WINDOWS),
        borrowed + op.i32_const(0) + op.i32_const(16) + get(length) + op.i32_add,
        op.memory_fill(),
        checked(end + op.i32_const(MAX_DESCRIPTORS) + op.i32_gt_u),
        get(length) + op.global_set(END),
        get(number) + op.global_set(OPEN),
    )


def _functions() -> dict[str, bytes]:
    """Return the guard's functions by name: those that are shared first, in their order."""
    judged = {
        **{name: _refuse(kind) for kind, name in enumerate(KIND_NAMES)},
        "kind": accounts.kind(),
        "refuse_there": refusals.refuse_there(),
        "refuse_new": refusals.refuse_new(),
        "judge_name": names.judge_name(),
        "judge_windows_name": names.judge_windows_name(),
        "look_at": accounts.look_at(),
        "look_up": accounts.look_up(),
        "turn_kind": accounts.turn_kind(),
        "forget_name": accounts.forget_name(),
        "write_piece": contents.write_piece(),
        "write": contents.write(),
        "read": contents.read(),
        START: _start(),
        "args_get": _refuse(0),
        "args_sizes_get": _no_arguments(),
        "fd_close": accounts.close(),
        "fd_fdstat_get": accounts.describe(),
        "fd_filestat_set_size": contents.set_size(),
        "fd_filestat_set_times": _refuse(PERM),
        "fd_pread": contents.at_offset("read"),
        "fd_pwrite": contents.at_offset("write"),
        "fd_read": contents.at_place("read"),
        "fd_write": contents.at_place("write"),
        "path_create_directory": paths.make_folder(),
        "path_filestat_get": paths.looking("path_filestat_get", 2, 5),
        "path_filestat_set_times": _refuse(PERM),
        "path_link": paths.link(),
        "path_open": paths.open_path(),
        "path_readlink": paths.looking("path_readlink", 1, 6),
        "path_remove_directory": paths.remove_folder(),
        "path_rename": paths.rename(),
        "path_symlink": _refuse(PERM),
        "path_unlink_file": paths.delete(),
        "proc_exit": refusals.leave(),
        "random_get": contents.random(),
        **{name: _refuse(NOTSOCK) for name in CALLS if name.startswith("sock_")},
    }
    assert list(judged)[: len(SHARED)] == SHARED  # noqa: S101 - calls go by that order
    return judged


def guard_module() -> bytes:
    """Return the module that is preloaded as `guard`."""
    return module(_functions())


def module(functions: dict[str, bytes]) -> bytes:
    """Return a module with these functions; for every other call it exports WASI's own."""
    types = {name: (CALLS | _SHARED_TYPES | {START: ""})[name] for name in [*CALLS, *functions]}
    kinds = sorted({(types[name], name in _SILENT) for name in types})
    assert kinds[0] == ("", False)  # noqa: S101 - calls by a table go by that
    index = {name: at for at, name in enumerate([*CALLS])}
    own = {name: at for at, name in enumerate(functions, len(CALLS))}

    def kind(name: str) -> bytes:
        return wasm.uleb(kinds.index((types[name], name in _SILENT)))

    imports = [wasm.name(WASI) + wasm.name(name) + b"\x00" + kind(name) for name in CALLS]
    imports.append(wasm.name(MEMORY) + wasm.name(NAME) + b"\x02\x00\x00")
    exports = [
        wasm.name(name) + b"\x00" + wasm.uleb(at)
        for name, at in (index | own).items()
        if name not in _SHARED_TYPES
    ]
    # Calls of WASI find their memory under the name that the one who calls exports.
    exports.append(wasm.name("memory") + b"\x02\x00")
    zero = {op.I32: op.i32_const(0), op.I64: op.i64_const(0)}
    return b"".join(
        [
            wasm.HEADER,
            wasm.section(
                wasm.TYPE,
                wasm.vector(
                    [
                        op.function_type(
                            b"".join(_TYPE_OF[each] for each in taken), b"" if silent else op.I32
                        )
                        for taken, silent in kinds
                    ]
                ),
            ),
            wasm.section(wasm.IMPORT, wasm.vector(imports)),
            wasm.section(wasm.FUNCTION, wasm.vector([kind(name) for name in functions])),
            _tables(own),
            wasm.section(
                wasm.GLOBAL,
                wasm.vector([number + b"\x01" + zero[number] + op.end for number in GLOBALS]),
            ),
            wasm.section(wasm.EXPORT, wasm.vector(exports)),
            _elements(own),
            wasm.section(wasm.CODE, wasm.vector(list(functions.values()))),
            wasm.function_names(MODULE_NAME, [*CALLS, *functions]),
        ]
    )


def _tables(own: dict[str, int]) -> bytes:
    if KIND_NAMES[0] not in own:
        return b""
    sizes = [MAX_DESCRIPTORS, len(KIND_NAMES)]
    return wasm.section(
        wasm.TABLE, wasm.vector([op.FUNCTION + b"\x00" + wasm.uleb(size) for size in sizes])
    )


def _elements(own: dict[str, int]) -> bytes:
    """Return the section that fills the table of kinds, if there is one."""
    if KIND_NAMES[0] not in own:
        return b""
    kinds = wasm.vector([wasm.uleb(own[name]) for name in KIND_NAMES])
    # Kind 2: a table that is named, where it begins, that it holds functions, and these.
    segment = b"\x02" + wasm.uleb(KINDS) + op.i32_const(0) + op.end + b"\x00" + kinds
    return wasm.section(wasm.ELEMENT, wasm.vector([segment]))


def passing_module() -> bytes:
    """Return a guard that judges nothing, to test the other walls and to know what it costs."""
    return module({START: op.function([])})
