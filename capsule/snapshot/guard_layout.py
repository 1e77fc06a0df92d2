"""What all of the guard's functions share: what it keeps, where, and how they call each other.

The guard keeps what it knows in globals and tables of its own, which no code in the interpreter
reaches. It has no memory beside the interpreter's, which it imports: a second one would reserve
4 GiB of addresses more. So where the guard itself asks WASI something, it borrows a few bytes there
and puts back what they held. Nothing else runs meanwhile.
"""

from __future__ import annotations

from capsule.confine.scratch import MAX_ENTRIES
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.changed_pages import STACK_TOP
from capsule.toolstore.wasi_calls import CALLS

# The kinds of descriptors: not open; below a folder that is only read, or that the user lets be
# written, or that is the run's own; a file of these that has no name any more; the three streams.
CLOSED, READ_ONLY, WRITABLE, PRIVATE, NAMELESS, STREAM = range(6)
# So many can be open at once beside the folders that are there from the start; so many the list has
# room for.
MAX_OPEN = 64
MAX_DESCRIPTORS = 1024
# What `capsule_guest.open_files` asks for: a number that nothing has.
NOTHING_OPEN = MAX_DESCRIPTORS
# The most that is moved by one call of WASI: wasmtime holds it once more meanwhile.
PIECE = 16 << 20
# The most that wasmtime reads at once.
ONE_READ = 64 << 10

# The guard's tables: what each descriptor is, and the kinds. A table holds functions, so a kind is
# one that answers with its number.
DESCRIPTORS, KINDS = 0, 1
KIND_NAMES = ["closed", "read_only", "writable", "private", "nameless", "stream"]

# What WASI says of a file, and where in its answer; the types of files that matter.
DEVICE, INODE, FILE_TYPE, LINKS, SIZE = range(5)
PLACES = {DEVICE: 0, INODE: 8, FILE_TYPE: 16, LINKS: 24, SIZE: 32}
STAT_SIZE = 64
CHARACTER_DEVICE, FOLDER, FILE = 2, 3, 4
# The bytes that are borrowed: at the top of the stack, which every start touches.
BORROWED = STACK_TOP - 4096

# The guard's globals: whether names are judged as Windows reads them, the first number that is not
# given, how many are open, how many entries the private folders have got, and how many bytes: below
# zero where something went that was there from the start.
WINDOWS, END, OPEN, ENTRIES, BYTES = range(5)
# And what WASI said of a file last, and of those that are about to go or to be replaced.
STAT, GONE, REPLACED = (5 + len(PLACES) * which for which in range(3))
# The descriptor that was written to last, 0 for none, and its file's size: nobody else changes it.
LAST, LAST_SIZE = REPLACED + len(PLACES), REPLACED + len(PLACES) + 1
# Whether a stream or a folder from the start was closed, whose number a file may have since.
ONE_CLOSED = LAST_SIZE + 1
GLOBALS = [*[op.I32] * 4, op.I64, *[op.I64] * (3 * len(PLACES)), op.I32, op.I64, op.I32]

# WASI's errors.
ACCES, BADF, EXIST, FBIG, INVAL, ISDIR, MFILE, NOENT = 2, 8, 20, 22, 28, 31, 33, 44
NOSPC, NOTSOCK, PERM, XDEV = 51, 57, 63, 75

O_CREAT, O_EXCL, O_TRUNC = 1, 4, 8
APPEND = 1
RIGHT_WRITE, RIGHT_ALLOCATE, RIGHT_SET_SIZE = 1 << 6, 1 << 8, 1 << 22

# Functions of the guard's own that others call, behind those of WASI.
SHARED = [
    *KIND_NAMES,
    "kind",
    "refuse_there",
    "refuse_new",
    "judge_name",
    "judge_windows_name",
    "look_at",
    "look_up",
    "turn_kind",
    "forget_name",
    "write_piece",
    "write",
    "read",
]
_INDEX = {name: at for at, name in enumerate([*CALLS, *SHARED])}


def call(name: str) -> bytes:
    """Call a function of WASI, or one that is shared."""
    return op.call(_INDEX[name])


def get(*places: int) -> bytes:
    """Push the values of locals."""
    return b"".join(map(op.local_get, places))


def answer(errno: int) -> bytes:
    """Return an error, or 0."""
    return op.i32_const(errno) + op.return_


def when(condition: bytes, *then: bytes, otherwise: bytes = b"") -> bytes:
    """Do something where a condition holds."""
    rest = op.else_ + otherwise if otherwise else b""
    return condition + op.if_ + b"".join(then) + rest + op.end


def give_up_on(errno: bytes, place: int) -> bytes:
    """Return the error that `errno` pushes, if it is one; `place` is a local to hold it."""
    return when(errno + op.local_tee(place), get(place), op.return_)


def is_kind(place: int, kind: int) -> bytes:
    """Push whether a local is this kind."""
    return get(place) + op.i32_const(kind) + op.i32_eq


def has(place: int, flags: int) -> bytes:
    """Push a number that is not 0 where a local has one of these flags."""
    return get(place) + op.i32_const(flags) + op.i32_and


def set_kind(descriptor: bytes, kind: bytes) -> bytes:
    """Note what a descriptor is."""
    return descriptor + kind + op.table_get(KINDS) + op.table_set(DESCRIPTORS)


def count_entries(amount: int) -> bytes:
    """Count entries of the private folders."""
    return op.global_get(ENTRIES) + op.i32_const(amount) + op.i32_add + op.global_set(ENTRIES)


def count_open(amount: int) -> bytes:
    """Count descriptors that are open."""
    return op.global_get(OPEN) + op.i32_const(amount) + op.i32_add + op.global_set(OPEN)


def count_bytes(amount: bytes) -> bytes:
    """Count bytes in the private folders."""
    return op.global_get(BYTES) + amount + op.i64_add + op.global_set(BYTES)


def forget_last() -> bytes:
    """Ask for a size again before the next write."""
    return op.i32_const(0) + op.global_set(LAST)


def there(folder: int, path: int, length: int, follows: bytes = op.i32_const(0)) -> bytes:
    """Push the error of looking a name up, or 0, and have `STAT` hold what it is."""
    return get(folder) + follows + get(path, length) + call("look_up")


def no_room() -> bytes:
    """Push whether the private folders have all entries that they may have."""
    return op.global_get(ENTRIES) + op.i32_const(MAX_ENTRIES) + op.i32_ge_s


def of_stat(field: int, which: int = STAT) -> bytes:
    """Push what WASI said of a file: a number of 64 bits."""
    return op.global_get(which + field)


def is_type(file_type: int, which: int = STAT) -> bytes:
    """Push whether what WASI spoke of is of this type."""
    return of_stat(FILE_TYPE, which) + op.i64_const(file_type) + op.i64_eq


def keep(which: int, source: int = STAT) -> bytes:
    """Keep what WASI said of a file in another place."""
    return b"".join(of_stat(field, source) + op.global_set(which + field) for field in PLACES)
