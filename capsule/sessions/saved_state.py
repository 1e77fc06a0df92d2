"""A state as a file that travels: packed, and whole in itself.

It has two parts. The first is what the session's own state differs in from the memory that its
turns began with, the second what that memory differs in from the interpreter's at its start. The
second is the same for all states of a session, and of all sessions with these imports on a machine:
it is packed once, and whoever has the same one need not read it.
"""

from __future__ import annotations

import mmap
import zlib
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from capsule.namedtuples import NamedTuple
from capsule.processors import usable_processors
from capsule.sessions import state_file
from capsule.sessions.background_work import in_background
from capsule.sessions.state_file import StateError
from capsule.toolstore.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from capsule.sessions.state_file import Contents
    from capsule.snapshot.changed_pages import PageRun

_MAGIC = b"capsule state 2\n"
# What is packed together: all processors have a part in it.
_PIECE = 1 << 20
# What a state and its layer may have together: both are unpacked.
_MOST = state_file.MOST_PAGES + state_file.MOST_FILES
# What zlib makes of bytes that it cannot pack is so much longer.
_MOST_PACKED = _PIECE + _PIECE // 1000 + 1024

Of = TypeVar("Of")
Made = TypeVar("Made")


class Layer(NamedTuple):
    """What the memory that turns begin with differs in from the interpreter's at its start.

    `data` is that as it stands in a file: a head, and packed pages.
    """

    digest: str
    data: bytes
    runs: Sequence[tuple[int, int]]
    at: int

    def pages(self) -> list[PageRun]:
        """Unpack them. Raises `ValueError` or `zlib.error` where they are damaged."""
        body = _unpacked(memoryview(self.data)[self.at :], sum(size for _, size in self.runs))
        if _digest(self.runs, body) != self.digest:
            raise ValueError("its content is not what its hash says")
        return state_file.pages_of(self.runs, body)


class Saved(NamedTuple):
    """What a file has: a state whose pages differ from those with the layer."""

    state: Contents
    layer: Layer


def layer_of(pages: Iterable[PageRun], memory: int) -> Layer:
    """Pack the pages in which a memory of so many bytes differs."""
    pages = list(pages)
    body = b"".join(run.data for run in pages)
    runs = [(run.offset, len(run.data)) for run in pages]
    said = {"memory": memory, "runs": runs, "sha256": _digest(runs, body)}
    return read_layer(b"".join([state_file.framed(said), *_packed(body)]))


def read_layer(data: bytes) -> Layer:
    """Read a layer; its pages are not looked at. Raises what a damaged one raises."""
    at = 0

    def take(length: int) -> bytes:
        nonlocal at
        at += length
        return data[at - length : at]

    header, _ = state_file.taken_header(take, len(data))
    runs = state_file.runs_of(header["runs"], state_file.memory_size(header["memory"]))
    if not isinstance(header["sha256"], str):
        raise ValueError("it has no hash")  # noqa: TRY004 - of the content, not of an argument
    return Layer(header["sha256"], data, runs, at)


def write(path: Path, saved: Saved) -> None:
    """Write a state to a file, in place of one that is there. Raises `StateError`."""
    header, body = state_file.parts_of(saved.state)
    pieces = _packed(b"".join(body))
    # The layer's own hash is of what is in it, which a reader who has it does not look at.
    header |= {"packed": sum(map(len, pieces)), "layer": sha256(saved.layer.data)}
    try:
        state_file.write_whole(path, [_MAGIC, state_file.framed(header), *pieces, saved.layer.data])
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror}") from None


def read(path: Path) -> Saved:
    """Read a file with a state. Raises `StateError` that names it and what is wrong with it."""
    with state_file.opened(path) as (file, size):
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it does not begin as one")
        header, left = state_file.taken_header(file.read, size - len(_MAGIC))
        head = state_file.Head(header, left)
        length = header["packed"]
        if type(length) is not int or not 0 <= length <= min(left, _room(head.whole)):
            raise ValueError("it is cut off, or there is more than it says")
        body = _unpacked(memoryview(file.read(length)), head.whole)
        if left - length > _room(state_file.MOST_PAGES):
            raise ValueError("it is too large")
        layer = file.read(left - length)
        if sha256(layer) != header["layer"]:
            raise ValueError("its content is not what its hash says")
        saved = Saved(head.state(body), read_layer(layer))
    if head.whole + sum(size for _, size in saved.layer.runs) > _MOST:
        raise StateError(f"{path} has more than {_MOST >> 20} MB of memory and files")
    return saved


def check(path: Path, layer: Layer) -> list[PageRun]:
    """Return the pages of a layer of this file. Raises `StateError` where they are damaged."""
    with state_file.opened(path):
        return layer.pages()


def _digest(runs: Sequence[tuple[int, int]], body: bytes | memoryview) -> str:
    places = b"".join(number.to_bytes(8, "little") for run in runs for number in run)
    return sha256(places, body)


def _room(whole: int) -> int:
    """Return how many bytes so many may be when they are packed, with their lengths."""
    return (whole // _PIECE + 1) * (_MOST_PACKED + 4) + state_file.MOST_HEADER


def _packed(body: bytes) -> list[bytes]:
    """Return pieces, each with its length before it."""
    view = memoryview(body)
    pieces = [view[at : at + _PIECE] for at in range(0, len(body), _PIECE)]
    packed = _each(lambda piece: zlib.compress(piece, 1), pieces)
    return [part for piece in packed for part in (len(piece).to_bytes(4, "little"), piece)]


def _unpacked(data: memoryview, whole: int) -> memoryview:
    """Unpack so many bytes; raise `ValueError` or `zlib.error` where it is not as many."""
    at, pieces = 0, []
    # Of the system's own memory, and once.
    body = memoryview(mmap.mmap(-1, whole)) if whole else memoryview(b"")
    for begin in range(0, whole, _PIECE):
        length = int.from_bytes(data[at : at + 4], "little")
        pieces.append((data[at + 4 : at + 4 + length], body[begin : begin + _PIECE]))
        at += 4 + length
        if length > _MOST_PACKED or at > len(data):
            raise ValueError("it is cut off, or there is more than it says")
    if at != len(data):
        raise ValueError("there is more than it says")
    _each(_unpack, pieces)
    return body


def _unpack(said: tuple[memoryview, memoryview]) -> None:
    packed, room = said
    unpacking = zlib.decompressobj()
    piece = unpacking.decompress(packed, len(room) + 1)
    if len(piece) != len(room) or not unpacking.eof or unpacking.unused_data:
        raise ValueError("its content is not as long as it says")
    room[:] = piece


def _each(work: Callable[[Of], Made], some: Sequence[Of]) -> list[Made]:
    """Do work on each, on all processors: what it calls lets go of Python's lock."""
    workers = min(len(some), usable_processors())

    def share(number: int) -> list[Made]:
        return [work(each) for each in some[number::workers]]

    begun = [in_background(partial(share, number)) for number in range(1, workers)]
    shares = [share(0), *(each.result() for each in begun)] if some else []
    return [shares[number % workers][number // workers] for number in range(len(some))]
