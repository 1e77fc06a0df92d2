"""States by what their pages differ from: the interpreter at its start, or a session's base."""

from __future__ import annotations

from capsule.sessions import state_file
from capsule.sessions.page_difference import PageDifference
from capsule.sessions.state_file import Contents, StateError
from capsule.snapshot.changed_pages import STACK_TOP, PageRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from capsule.sessions.session_base import SessionBase


def on_initial(base: SessionBase, state: Contents) -> Contents:
    """Return a state whose pages differ from the memory that the interpreter begins with."""
    found = PageDifference(_initial(base), state_file.MOST_PAGES)
    _feed_memory(found.feed, base.contents.read, state)
    return state._replace(pages=found.finish(), base="")


def on_base(base: SessionBase, state: Contents) -> Contents:
    """Return a state whose pages differ from the memory that a session's turns begin with."""
    found = PageDifference(base.contents.read, state_file.MOST_PAGES)
    _feed_memory(found.feed, _initial(base), state)
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
    begin = state_file.PLACES[0]
    laid = {f"{begin}/{name.removeprefix('/')}": data for name, data in files.items()}
    if wrong := next((name for name in laid if not state_file.is_inside(name)), None):
        raise StateError(f"{wrong.removeprefix(begin)[1:]!r} is no name of a file in the session")
    runtime = inputs.base.runtime
    memory = base.choice.snapshot.memory
    return Contents(runtime.interpreter, inputs.base.key, memory, 0, imports, (), laid)
