"""The main module of every run: a tiny module that owns `_start` and steers the interpreter.

A run's driver runs one turn of Python in the memory that is there, writes the closing frame and
hands over to the fuel meter. The driver of a dump writes the whole memory to stdout instead. An
artifact's is a run's that has the pages of its snapshot with it, and restores them first.

The driver keeps what it must trust in its own locals, where code in the interpreter's memory
cannot reach it, and writes the closing frame's bytes only when that code is over.
"""

from __future__ import annotations

from capsule import wasm
from capsule.process.argv import ARGV0, BUDGET_DIGITS, SEAL_DIGITS
from capsule.process.trap_report import DRIVER_MODULE
from capsule.shared import frames
from capsule.snapshot import packet_reader
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.changed_pages import STACK_TOP
from capsule.toolstore.wasi_calls import GUARD, START, WASI

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.snapshot.changed_pages import PageRun

_NARROW, _ALLOC, _START, _WRITE, _DRAIN = range(5)
_TYPES = wasm.vector(
    [
        op.function_type(op.I32 * 2, op.I32),
        op.function_type(op.I32, op.I32),
        op.function_type(b"", b""),
        op.function_type(op.I32 * 4, op.I32),
        op.function_type(op.I64, b""),
    ]
)
_IMPORTED = [
    ("python", "turn", _NARROW),
    ("python", "host_alloc", _ALLOC),
    (WASI, "args_get", _NARROW),
    (WASI, "fd_write", _WRITE),
    ("host", "drain", _DRAIN),
    (GUARD, START, _START),
]
TURN, HOST_ALLOC, ARGS_GET, FD_WRITE, DRAIN, START_GUARD = range(6)
_MAIN = len(_IMPORTED)
# What the driver of a session's turn imports besides, behind these.
_READING = ("fd_read", _WRITE)
FD_READ = _MAIN

# Scratch memory that the driver asks the interpreter for: an iovec, a count, then bytes.
_SCRATCH = 128
_IOVEC, _WRITTEN, _WORDS, _FRAME = 0, 8, 16, 64
_BUDGET_AT = _WORDS + len(ARGV0) + 1
_SEAL_AT = _BUDGET_AT + BUDGET_DIGITS
_STDOUT, _STDERR = 1, 2
_PIECE = 16 << 20
# Locals of `_start`.
_SCRATCH_AT, _TEXT_AT, _FROM, _SIZE, _BUDGET, _DIGIT, _AT, _LEFT, _RUNS = range(9)
_LOCALS = [(4, op.I32), (2, op.I64), (3, op.I32)]
_READER = packet_reader.Reader(FD_READ, where=_FROM, end=_SIZE, at=_AT, left=_LEFT, packets=_RUNS)


def _module(code: bytes, segments: Sequence[bytes | memoryview], *, reads: bool = False) -> bytes:
    # The segments are large, and copied once: into the module.
    data: list[bytes | memoryview] = [wasm.uleb(len(segments))]
    for segment in segments:
        data += [b"\x01" + wasm.uleb(len(segment)), segment]
    functions = [*_IMPORTED, (WASI, *_READING)] if reads else _IMPORTED
    imports = [
        wasm.name(module) + wasm.name(field) + b"\x00" + wasm.uleb(kind)
        for module, field, kind in functions
    ]
    imports.append(wasm.name("python") + wasm.name("memory") + b"\x02\x00\x00")
    names = [field for _, field, _ in functions] + ["_start"]
    return b"".join(
        [
            wasm.HEADER,
            wasm.section(wasm.TYPE, _TYPES),
            wasm.section(wasm.IMPORT, wasm.vector(imports)),
            wasm.section(wasm.FUNCTION, wasm.vector([wasm.uleb(_START)])),
            # WASI calls of this module find their memory under the exported name.
            wasm.section(
                wasm.EXPORT,
                wasm.vector(
                    [
                        wasm.name("memory") + b"\x02\x00",
                        wasm.name("_start") + b"\x00" + wasm.uleb(len(functions)),
                    ]
                ),
            ),
            wasm.section(wasm.DATA_COUNT, wasm.uleb(len(segments))),
            wasm.section(wasm.CODE, wasm.vector([op.function(_LOCALS, code)])),
            bytes([wasm.DATA]) + wasm.uleb(sum(map(len, data))),
            *data,
            wasm.function_names(DRIVER_MODULE, names),
        ]
    )


def _trap_unless_zero(call: bytes) -> bytes:
    return call + op.if_ + op.unreachable + op.end


def _grow(pages: int) -> bytes:
    if not pages:
        return b""
    refused = op.i32_const(-1) + op.i32_eq
    return op.i32_const(pages) + op.memory_grow + refused + op.if_ + op.unreachable + op.end


def _restore(pages: Sequence[PageRun], first_segment: int) -> bytes:
    return b"".join(
        op.i32_const(run.offset)
        + op.i32_const(0)
        + op.i32_const(len(run.data))
        + op.memory_init(segment)
        for segment, run in enumerate(pages, first_segment)
    )


def _allocate(size: int, local: int) -> bytes:
    return op.i32_const(size) + op.call(HOST_ALLOC) + op.local_set(local)


def _turn(length: int) -> bytes:
    """Run the source text in segment 0 as one turn; trap when it fails."""
    return (
        _allocate(length, _TEXT_AT)
        + op.local_get(_TEXT_AT)
        + op.i32_const(0)
        + op.i32_const(length)
        + op.memory_init(0)
        + _trap_unless_zero(op.local_get(_TEXT_AT) + op.i32_const(length) + op.call(TURN))
    )


def _read_budget() -> bytes:
    """Read argv, now that no guest code runs any more: the budget, in hexadecimal, and the seal.

    A digit's value is its low four bits, plus nine when it is a letter.
    """
    code = _trap_unless_zero(
        op.local_get(_SCRATCH_AT)
        + op.local_get(_SCRATCH_AT)
        + op.i32_const(_WORDS)
        + op.i32_add
        + op.call(ARGS_GET)
    )
    for place in range(BUDGET_DIGITS):
        code += (
            op.local_get(_BUDGET)
            + op.i64_const(4)
            + op.i64_shl
            + op.local_get(_SCRATCH_AT)
            + op.i64_load8_u(_BUDGET_AT + place)
            + op.local_tee(_DIGIT)
            + op.i64_const(15)
            + op.i64_and
            + op.local_get(_DIGIT)
            + op.i64_const(6)
            + op.i64_shr_u
            + op.i64_const(9)
            + op.i64_mul
            + op.i64_add
            + op.i64_or
            + op.local_set(_BUDGET)
        )
    return code


def _write(start: bytes, length: bytes, descriptor: int = _STDOUT) -> bytes:
    """Write once: the iovec in scratch memory, then `fd_write`; leave its answer on the stack."""
    at = op.local_get(_SCRATCH_AT)
    return (
        at
        + start
        + op.i32_store(_IOVEC)
        + at
        + length
        + op.i32_store(_IOVEC + 4)
        + op.i32_const(descriptor)
        + at
        + op.i32_const(1)
        + at
        + op.i32_const(_WRITTEN)
        + op.i32_add
        + op.call(FD_WRITE)
    )


def _close() -> bytes:
    """Write the closing frame; a pipe takes so few bytes at once or not at all."""
    at = op.local_get(_SCRATCH_AT)
    header = frames.HEADER.pack(frames.CLOSED, frames.CLOSED_LENGTH)
    stores = b"".join(
        at + op.i32_const(byte) + op.i32_store8(_FRAME + place) for place, byte in enumerate(header)
    )
    pages_at = _FRAME + len(header)
    stores += at + op.memory_size + op.i32_store(pages_at)
    for word in range(0, SEAL_DIGITS, 8):
        stores += at + at + op.i64_load(_SEAL_AT + word) + op.i64_store(pages_at + 4 + word)
    start = at + op.i32_const(_FRAME) + op.i32_add
    return stores + _trap_unless_zero(
        _write(start, op.i32_const(len(header) + frames.CLOSED_LENGTH))
    )


def _mark() -> bytes:
    """Write the seal to stderr: what comes there from now on is wasmtime's own.

    So the host can tell the report from what a guest wrote to look like one, and need not wait for
    the end of the process. A guest that has closed its stderr only makes the host wait for that.
    """
    start = op.local_get(_SCRATCH_AT) + op.i32_const(_SEAL_AT) + op.i32_add
    return _write(start, op.i32_const(SEAL_DIGITS), _STDERR) + op.drop


def _driver(source: str, ending: bytes, pages: Sequence[PageRun] = (), grow: int = 0) -> bytes:
    """Return a driver that restores `pages`, runs `source`, closes, and does `ending` then."""
    text = source.encode()
    code = (
        op.call(START_GUARD)
        + _grow(grow)
        + _restore(pages, 1)
        + _allocate(_SCRATCH, _SCRATCH_AT)
        + _turn(len(text))
        + _read_budget()
        + _close()
        + ending
    )
    return _module(code, [text, *(run.data for run in pages)])


_BURN_THE_REST = _mark() + op.local_get(_BUDGET) + op.call(DRAIN)


def run_driver(source: str) -> bytes:
    """Return the driver of a run.

    `source` is the turn to run: the name of one of the runtime's, once it is prepared, and Python
    before that (which must not end in an expression with a value: a turn prints it).
    The run's second argument must be its fuel budget in `BUDGET_DIGITS` hexadecimal digits and
    its seal in `SEAL_DIGITS`. It is read when the guest is over, so no guest code ever holds it.
    """
    return _driver(source, _BURN_THE_REST)


def artifact_driver(source: str, pages: Sequence[PageRun], grow: int) -> bytes:
    """Return the driver of a run that brings its snapshot with it.

    `pages` is what it restores, and `grow` by how many 64 KiB pages the memory grows before.
    """
    return _driver(source, _BURN_THE_REST, pages, grow)


def dump_driver(source: str) -> bytes:
    """Return a driver that runs `source` as a run's would, and then writes memory to stdout.

    The closing frame comes before the memory and says how long that is.
    """
    return _driver(source, _write_memory(0))


def _write_memory(begin: int) -> bytes:
    """Write memory from `begin` on to stdout, to its end."""
    rest = op.local_get(_SIZE) + op.local_get(_FROM) + op.i32_sub
    piece = op.i32_const(_PIECE)
    # wasmtime refuses a call that hands over more than 128 MiB.
    length = rest + piece + rest + piece + op.i32_lt_u + op.select
    return (
        op.i32_const(begin)
        + op.local_set(_FROM)
        + op.memory_size
        + op.i32_const(wasm.PAGE)
        + op.i32_mul
        + op.local_set(_SIZE)
        + op.loop
        + _trap_unless_zero(_write(op.local_get(_FROM), length))
        + op.local_get(_FROM)
        + op.local_get(_SCRATCH_AT)
        + op.i32_load(_WRITTEN)
        + op.i32_add
        + op.local_tee(_FROM)
        + op.local_get(_SIZE)
        + op.i32_lt_u
        + op.br_if(0)
        + op.end
    )


def turn_driver(source: str) -> bytes:
    """Return the driver of a session's turn: it runs `source` in the memory of the turns before.

    Pages in place of those that are there come on stdin: a word with how many memory has, one with
    how many packets follow. Of each its length, `MOST_PACKET` at most, and runs: place, length and
    bytes; where the length is zero, the page at that place is written as it is. Behind the closing
    frame it waits for a word: where that is not zero, memory from `STACK_TOP` on follows, then the
    meter's report.
    """
    text = source.encode()
    code = (
        op.call(START_GUARD)
        + packet_reader.receive_memory(_READER)
        + _allocate(_SCRATCH, _SCRATCH_AT)
        + _turn(len(text))
        + _read_budget()
        + _close()
        + packet_reader.receive_word(_READER)
        + op.if_
        + _write_memory(STACK_TOP)
        + op.end
        + _BURN_THE_REST
    )
    return _module(code, [text], reads=True)


# What decides the drivers besides what they run.
RECIPE = run_driver("") + dump_driver("") + turn_driver("")
