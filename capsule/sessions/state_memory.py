"""States by what their pages differ from: the interpreter at its start, or a session's base."""

from __future__ import annotations

from bisect import bisect_right

from capsule.progress import Silent
from capsule.sessions import saved_state, state_file
from capsule.sessions.page_difference import PageDifference
from capsule.sessions.state_file import Contents, StateError
from capsule.snapshot import cache
from capsule.snapshot.changed_pages import STACK_TOP, PageRun
from capsule.toolstore import files as stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from capsule.sessions.saved_state import Layer, Saved
    from capsule.sessions.session_base import SessionBase

_LAYER = "layer"


def layer_of(base: SessionBase, home: Path) -> Layer:
    """Return what a session's base differs in from the interpreter's memory; made once for each."""

    def made(folder: Path) -> cache.Facts:
        found = PageDifference(_initial(base), state_file.MOST_PAGES)
        state = first_state(base, {}, ())
        _feed_memory(found.feed, base.contents.read, state)
        layer = saved_state.layer_of(found.finish(), state.memory)
        stored.write_whole(folder / _LAYER, layer.data)
        return {}

    entry = cache.obtain(_store(home), _key(base), made, Silent())
    return saved_state.read_layer((entry.folder / _LAYER).read_bytes())


def on_base(base: SessionBase, home: Path, path: Path, saved: Saved) -> Contents:
    """Return the state of a file, its pages those that differ from a session's base.

    Raises `StateError` where the file is damaged.
    """
    key = base.order.inputs.base.key
    found = cache.look(_store(home) / _key(base))
    # Whose turns began with the same bytes needs nothing else; what it has is made elsewhere, too.
    if isinstance(found, cache.Entry):
        mine = saved_state.read_layer((found.folder / _LAYER).read_bytes())
        if mine.digest == saved.layer.digest:
            return saved.state._replace(base=key)
    under = saved_state.check(path, saved.layer)
    return rebased(base, saved.state, _over(_initial(base), under))


def _store(home: Path) -> Path:
    return home / "cache" / "generic"


def _key(base: SessionBase) -> str:
    image = base.choice.snapshot.image.parent.name
    return cache.key(base.order.inputs.base.key.encode(), image.encode(), _LAYER.encode())


def _over(
    before: Callable[[int, int], bytes], runs: Sequence[PageRun]
) -> Callable[[int, int], bytes]:
    """Return what gives memory in which these runs are in place of what was there before."""
    places = [run.offset for run in runs]

    def read(address: int, length: int) -> bytes:
        there = bytearray(before(address, length))
        for run in runs[max(bisect_right(places, address) - 1, 0) :]:
            begin = max(run.offset, address)
            end = min(run.offset + len(run.data), address + length)
            if run.offset >= address + length:
                break
            if begin < end:
                piece = run.data[begin - run.offset : end - run.offset]
                there[begin - address : end - address] = piece
        return bytes(there)

    return read


def rebased(base: SessionBase, state: Contents, before: Callable[[int, int], bytes]) -> Contents:
    """Return a state whose pages differ from a session's base, in place of from `before`.

    That gives bytes by address and length.
    """
    found = PageDifference(base.contents.read, state_file.MOST_PAGES)
    _feed_memory(found.feed, before, state)
    return state._replace(pages=found.finish(), base=base.order.inputs.base.key)


def _initial(base: SessionBase) -> Callable[[int, int], bytes]:
    """Return what gives the interpreter's memory at its start, by address and length."""
    initial = base.order.inputs.base.initial.read_bytes()

    def before(address: int, length: int) -> bytes:
        there = initial[address : address + length]
        return there + bytes(length - len(there))

    return before


def _feed_memory(
    feed: Callable[[bytes], None], before: Callable[[int, int], bytes], state: Contents
) -> None:
    """Give out the whole memory of a state, in pieces."""
    at = STACK_TOP
    for run in [*state.pages, PageRun(state.memory, b"")]:
        while at < run.offset:
            length = min(run.offset - at, 1 << 20)
            feed(before(at, length))
            at += length
        feed(bytes(run.data))
        at += len(run.data)


def first_state(
    base: SessionBase, files: Mapping[str, bytes], imports: tuple[str, ...]
) -> Contents:
    """Return the state of a session before its first turn."""
    inputs = base.order.inputs
    runtime = inputs.base.runtime
    memory = base.choice.snapshot.memory
    empty = Contents(runtime.interpreter, inputs.base.key, memory, 0, imports, (), {})
    return with_files(empty._replace(identity=base.identity), files)


def with_files(state: Contents, files: Mapping[str, bytes]) -> Contents:
    """Return a state with more files in its working folder.

    Raises `StateError` for a name outside of it.
    """
    begin = state_file.PLACES[0]
    laid = {f"{begin}/{name.removeprefix('/')}": data for name, data in files.items()}
    if wrong := next(
        (name for name in laid if not state_file.is_inside(name) or name.endswith("/")), None
    ):
        raise StateError(f"{wrong.removeprefix(begin)[1:]!r} is no name of a file in the session")
    return state._replace(files={**state.files, **laid})
