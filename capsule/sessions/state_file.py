"""A state as a file: the pages of memory that differ, and the files of its folders.

What is read may be a stranger's: lengths are looked at before memory is taken, pages have to be in
memory and in order, and the content is held to its hash. Here is the form that a store keeps; one
that travels is of the same parts: `capsule.sessions.saved_state`.
"""

from __future__ import annotations

import json
import os
import secrets
import zlib
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath

from capsule.errors import CapsuleError
from capsule.namedtuples import NamedTuple
from capsule.runner.secret_values import is_identity
from capsule.sdk.file_contents import open_regular
from capsule.sessions.kept_pages import KeptPages, read_large
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun
from capsule.toolstore.digests import sha256
from capsule.toolstore.flavours import NATIVES
from capsule.wasm import PAGE as WASM_PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from io import BufferedReader
    from pathlib import Path
    from typing import Any

_MAGIC = b"capsule state 1\n"
_LENGTH = 4
MOST_HEADER = 8 << 20
MOST_PAGES, MOST_FILES, MOST_RUNS = 512 << 20, 256 << 20, 1 << 18
_MOST_MEMORY = 1 << 32
_MOST_NAMES = 10_000
_PIECE = 1 << 20
# Bytes of one name, as file systems have it.
_LONGEST_NAME = 255
# Where the files of a state lie: its working folder, and `/tmp`.
PLACES = ("working", "temporary")
# How a file is called that is being written.
UNFINISHED = ".new"


class StateError(CapsuleError):
    """Raised when a state cannot be used; the message names it."""

    code = "state_error"


class Contents(NamedTuple):
    """All that a state is.

    `interpreter` is the identity of what made it, `base` that of the memory that `pages` differ
    from, empty for the interpreter's own at its start. `files` are by path, the first part of
    `PLACES`. `turn` is how many turns there were, `imports` what the session began with. `touched`
    is no part of it: where pages are that are as in the base, and were written by the turn that led
    here. `identity` is what its placeholders of secrets are made of: no value, and no grant.
    `natives` are packages whose native code it needs besides those of its imports.
    """

    interpreter: str
    base: str
    memory: int
    turn: int
    imports: tuple[str, ...]
    pages: KeptPages | Sequence[PageRun]
    files: Mapping[str, bytes]
    touched: Sequence[int] = ()
    identity: str = ""
    natives: tuple[str, ...] = ()


def encode(state: Contents) -> list[bytes | memoryview]:
    """Return the bytes of the file, in pieces. Raises `StateError` for what none would take."""
    header, body = parts_of(state)
    return [_MAGIC + framed(header), *body]


def parts_of(state: Contents) -> tuple[dict[str, Any], list[bytes | memoryview]]:
    """Return the head of a state, and its pages and files in pieces.

    Raises `StateError` for what no reader would take.
    """
    _check(state)
    kept = state.pages
    pages = kept.pieces if isinstance(kept, KeptPages) else [run.data for run in kept]
    body = [*pages, *state.files.values()]
    return {
        "interpreter": state.interpreter,
        "base": state.base,
        "memory": state.memory,
        "turn": state.turn,
        "imports": list(state.imports),
        "runs": [[run.offset, len(run.data)] for run in state.pages],
        "files": [[name, len(content)] for name, content in state.files.items()],
        "identity": state.identity,
        "natives": list(state.natives),
        "sha256": sha256(*body),
    }, body


def framed(header: dict[str, Any]) -> bytes:
    """Return a head as it stands in a file: its length, and JSON."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(_LENGTH, "little") + text


def write_whole(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file that nobody else can read, in place of one that is there, or nothing at all.

    Raises `OSError`.
    """
    # Of a name that nobody could have made a link of before.
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}{UNFINISHED}")
    try:
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        made.replace(path)
    except OSError:
        with suppress(OSError):
            made.unlink()
        raise


def _check(state: Contents) -> None:
    size = sum(map(len, state.files.values()))
    pages = sum(len(run.data) for run in state.pages)
    for what, found, most in (
        ("bytes of files", size, MOST_FILES),
        ("files", len(state.files), _MOST_NAMES),
        ("bytes of memory that differ", pages, MOST_PAGES),
        ("places in memory that differ", len(state.pages), MOST_RUNS),
    ):
        if found > most:
            raise StateError(f"a state has {most:,} {what} at most, and this has {found:,}")
    try:
        _check_places(state.files)
    except ValueError as wrong:
        raise StateError(f"the files of the session: {wrong}") from None


def _check_places(names: Iterable[str]) -> None:
    """Raise `ValueError` where a name is of a file and of a folder."""
    files = {name for name in names if not name.endswith("/")}
    for name in names:
        above = PurePosixPath(name).parents
        if wrong := next((f"{each}" for each in above if f"{each}" in files), None):
            raise ValueError(f"{wrong!r} is a file, and {name!r} would be in it")
        if name.endswith("/") and name[:-1] in files:
            raise ValueError(f"{name!r} is a file and a folder")


def read(path: Path) -> Contents:
    """Read a state. Raises `StateError` that names the file and what is wrong with it."""
    with opened(path) as (file, size):
        head = _head(file, size)
        return head.state(read_large(file, head.whole))


def read_one(path: Path, name: str, most: int) -> bytes | None:
    """Return one file of a state, None where there is none; no more comes into memory.

    Raises `StateError` that names the state and what is wrong with it, or the file where that has
    more than `most` bytes.
    """
    import hashlib

    with opened(path) as (file, size):
        head = _head(file, size)
        if (found := head.place_of(name)) is None:
            return None
        begin, length = found
        if length > most:
            raise StateError(
                f"{name.partition('/')[2]!r} has {length:,} bytes, and {most:,} can be read",
                hint="read a part of it, in a turn",
            )
        hasher, at, parts = hashlib.sha256(), 0, []
        while piece := file.read(_PIECE):
            hasher.update(piece)
            first, last = max(begin - at, 0), min(begin + length - at, len(piece))
            if first < last:
                parts.append(piece[first:last])
            at += len(piece)
        head.check(hasher.hexdigest())
        return b"".join(parts)


def _head(file: BufferedReader, size: int) -> Head:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one")
    head = Head(*taken_header(file.read, size - len(_MAGIC)))
    if head.left != head.whole:
        cut = head.left < head.whole
        raise ValueError("it is cut off" if cut else "there is more than it says")
    return head


@contextmanager
def opened(path: Path) -> Iterator[tuple[BufferedReader, int]]:
    """Give a file with a state, and its size; what is wrong with it is a `StateError` behind it."""
    try:
        with open_regular(path) as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise StateError(f"cannot read the state {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as wrong:
        said = str(wrong) if type(wrong) is ValueError else type(wrong).__name__
        raise StateError(
            f"{path} is no state, or a damaged one: {said}", hint="save the session again"
        ) from None


def taken_header(take: Callable[[int], bytes], size: int) -> tuple[dict[str, Any], int]:
    """Read a head of which `size` bytes are there at most; return it and how many are left."""
    length = int.from_bytes(take(_LENGTH), "little")
    left = size - _LENGTH - length
    if length > MOST_HEADER or left < 0:
        raise ValueError("its head is cut off")
    header = json.loads(take(length))
    if not isinstance(header, dict):
        raise ValueError("its head is none")  # noqa: TRY004 - of the content, not of an argument
    return header, left


class Head:
    """The head of a state, looked at: how much there is to read, before it is read.

    `left` is how many bytes follow it, and `whole` how many its pages and files have. Raises
    `ValueError`, `KeyError` or `TypeError` for one that is wrong.
    """

    def __init__(self, header: dict[str, Any], left: int) -> None:
        self._header, self.left = header, left
        self._memory = memory_size(header["memory"])
        self._turn = _number(header["turn"], 1 << 40)
        self._runs = runs_of(header["runs"], self._memory)
        self._names = _names(header["files"])
        files = sum(self._names.values())
        self.whole = sum(length for _, length in self._runs) + files
        if files > MOST_FILES:
            raise ValueError("it is too large")

    def check(self, found: str) -> None:
        """Raise `ValueError` unless pages and files have this hash."""
        if found != self._header["sha256"]:
            raise ValueError("its content is not what its hash says")

    def place_of(self, name: str) -> tuple[int, int] | None:
        """Return where a file begins behind the head, and its length; None where there is none."""
        at = self.whole - sum(self._names.values())
        for each, length in self._names.items():
            if each == name:
                return at, length
            at += length
        return None

    def state(self, body: bytes | memoryview) -> Contents:
        """Return the state that has this head, and these pages and files."""
        header, files = self._header, {}
        self.check(sha256(body))
        pages, at, view = (
            pages_of(self._runs, body),
            sum(n for _, n in self._runs),
            memoryview(body),
        )
        for name, length in self._names.items():
            files[name] = bytes(view[at : at + length])
            at += length
        imports = header["imports"]
        if not (isinstance(imports, list) and all(isinstance(name, str) for name in imports)):
            raise ValueError("its imports are no names")
        texts = header["interpreter"], header["base"]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("its interpreter has no name")
        # One of an earlier version has none.
        identity = header.get("identity", "")
        if identity and not is_identity(identity):
            raise ValueError("what its placeholders are made of is no identity")
        found = Contents(*texts, self._memory, self._turn, tuple(imports), pages, files)
        natives = header.get("natives", [])
        if not isinstance(natives, list) or not NATIVES.issuperset(natives):
            raise ValueError("its packages are none of the interpreter's")
        return found._replace(identity=identity, natives=tuple(natives))


def memory_size(said: Any) -> int:
    """Return the size of a memory as a head has it. Raises `ValueError` where none has that."""
    memory = _number(said, _MOST_MEMORY)
    if memory % WASM_PAGE or memory < STACK_TOP:
        raise ValueError(f"no memory has {memory:,} bytes")
    return memory


def pages_of(runs: Sequence[tuple[int, int]], body: bytes | memoryview) -> list[PageRun]:
    """Return runs of pages by place and length, whose bytes `body` has one after the other."""
    at, view, pages = 0, memoryview(body), []
    for offset, length in runs:
        pages.append(PageRun(offset, view[at : at + length]))
        at += length
    return pages


def runs_of(said: Any, memory: int) -> list[tuple[int, int]]:
    """Return runs of pages as a head has them. Raises `ValueError` for what cannot be there."""
    if not isinstance(said, list) or len(said) > MOST_RUNS:
        raise ValueError("its pages are no list")
    end, found = STACK_TOP, []
    for offset, length in said:
        begin, size = _number(offset, memory), _number(length, memory)
        if begin < end or not size or begin % PAGE or size % PAGE or begin + size > memory:
            raise ValueError(f"{size:,} bytes at {begin:,} are not in its memory, or not in order")
        found.append((begin, size))
        end = begin + size
    if sum(size for _, size in found) > MOST_PAGES:
        raise ValueError("it is too large")
    return found


def _names(said: Any) -> dict[str, int]:
    if not isinstance(said, list) or len(said) > _MOST_NAMES:
        raise ValueError("its files are no list")
    found = {}
    for name, length in said:
        if not is_inside(name) or name in found:
            raise ValueError(f"{name!r} is no name of a file in it")
        found[name] = _number(length, 0 if name.endswith("/") else MOST_FILES)
    _check_places(found)
    return found


def is_inside(name: object) -> bool:
    """Say whether a name is that of a file below one of `PLACES`, or with a slash of a folder.

    >>> is_inside("working/a.csv"), is_inside("working/../x"), is_inside("other/a")
    (True, False, False)
    """
    if not isinstance(name, str) or "\0" in name:
        return False
    try:
        longest = max(len(part.encode()) for part in name.split("/"))
    except UnicodeEncodeError:
        return False
    if longest > _LONGEST_NAME:
        return False
    name = name.removesuffix("/")
    parts = PurePosixPath(name).parts
    return (
        len(parts) > 1
        and parts[0] in PLACES
        and "/".join(parts) == name
        and not {"..", "."} & set(parts)
    )


def _number(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no number that could be there")
    return value
