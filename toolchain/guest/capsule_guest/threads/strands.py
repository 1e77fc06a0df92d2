"""Which strand runs, what the others wait for, and what happens when all of them wait."""

from __future__ import annotations

import _thread
import sys
import time
from itertools import count

from capsule_guest import calls, pauses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context
    from typing import Any

    Work = Generator[Any, None, Any]
    # What is waited for, or what returns the whole of what to say where nothing can end it.
    Said = str | Callable[[], str]

_now = time.monotonic
# How late something may be ready and still count: a turn of another strand may take that long.
_GRACE = 0.05
# How many strands may be on the stack at once, each on top of one that waits inside a call.
_DEEPEST = 12
# How often a strand may wait for a time on top of one that could go on.
_PATIENCE = 1000
# Where the waits of the standard library are, for what is said of one.
_WAITERS = frozenset(("threading", "queue", "concurrent", "multiprocessing", "capsule_guest"))


class Wait:
    """What a strand waits for: that `ready` says so, or `deadline` of the monotonic clock."""

    __slots__ = ("deadline", "ready", "what")

    def __init__(self, ready: Callable[[], object], deadline: float | None, what: Said) -> None:
        self.ready = ready
        self.deadline = deadline
        self.what = what


def _never() -> bool:
    return False


def _at_once() -> bool:
    return True


# What lets the others have a turn, and no more.
PASS = Wait(_at_once, None, "its turn")
# What one waits for that has not begun, and one of a pool that has nothing to do.
_NEW = Wait(_at_once, None, "its beginning")
IDLE = "work of its pool"


class Strand:
    """One line of work; `work` yields a `Wait` wherever it has to wait."""

    def __init__(self, name: str, ident: int, context: Context | None, work: Work | None) -> None:
        self.name = name
        self.ident = ident
        self.context = context
        self.work = work
        self.wait = _NEW
        self.loop: object = None


main = current = Strand("MainThread", _thread.get_ident(), None, None)
# Those that are not on the stack, those that are and wait, and event loops that wait.
_others: list[Strand] = []
_below: list[Wait] = []
loops: list[Any] = []
# What puts the values of `threading.local` in place, where there are any.
exchange: Callable[[int, int], None] | None = None
_idents = count(main.ident + 1)
_starting = 0


def add(name: str, context: Context, work: Work) -> Strand:
    """Have another strand, which has not begun."""
    strand = Strand(name, next(_idents), context, work)
    _others.append(strand)
    pauses.others.append(strand)
    return strand


def begin(strand: Strand) -> None:
    """Let a strand run until its first wait, as a new thread often does."""
    global _starting  # noqa: PLW0603 - there is one interpreter
    _starting += 1
    try:
        _step(strand)
    finally:
        _starting -= 1


def begin_one(idents: set[int]) -> None:
    """Let one of these strands go on that has nothing to do yet: something was given to them."""
    for strand in _others:
        idle = strand.wait is _NEW or strand.wait.what == IDLE
        if idle and strand.ident in idents and strand.wait.ready():
            begin(strand)
            return


def starting() -> bool:
    """Say whether a strand is at its beginning, on top of who started it."""
    return _starting > 0


def deadline_of(timeout: float | None) -> float | None:
    """Return when a wait of so many seconds ends; None and what is negative have no end."""
    return None if timeout is None or timeout < 0 else _now() + timeout


def wait(
    ready: Callable[[], object],
    deadline: float | None = None,
    what: Said = "",
    loop: Any = None,
) -> bool:
    """Wait on the stack, while other strands go on; say whether it is ready, and not too late.

    `loop` is the event loop that waits, if it is one: it does not go on by itself.

    Raises `RuntimeError` when nothing could ever end this wait.
    """
    if ready():
        return True
    mine = Wait(ready, deadline, what)
    _below.append(mine)
    try:
        while True:
            if deadline is not None and _now() >= deadline:
                return False
            _go_on(mine, [each for each in loops if each is not loop])
            if ready():
                return deadline is None or _now() < deadline + _GRACE
    finally:
        _below.remove(mine)


def sleep(seconds: float) -> None:
    """Wait for a time, while other strands go on."""
    deadline = _now() + seconds
    turn()
    wait(_never, deadline, "a time")


def turn() -> None:
    """Let each strand that can go on do so once."""
    if _starting:
        return
    for strand in [*_others]:
        if strand in _others and _due(strand.wait, _now()):
            _step(strand)


def finish() -> None:
    """Wait for all threads that are no daemons, those of pools first: they have work to do."""
    threading: Any = sys.modules["threading"]
    for call in reversed(threading._threading_atexits):
        call()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def _go_on(mine: Wait, pumped: list[Any]) -> None:
    """Do one thing for somebody, or wait until there is one to do."""
    if calls.outstanding() and calls.comes():
        calls.take()
        return
    if len(_below) <= _DEEPEST:
        strand = _next()
        if strand is not None:
            _step(strand)
            return
        if pumped and pumped[-1].pump():
            return
    until = _first_deadline(mine, pumped)
    _check_patience(mine)
    if calls.outstanding():
        if until is None or calls.comes(max(until - _now(), 0)):
            calls.take()
    elif until is None:
        raise _no_end(mine)
    elif (seconds := until - _now()) > 0:
        pauses.sleep_alone(seconds)


def _next() -> Strand | None:
    now, late = _now(), None
    for strand in _others:
        wait = strand.wait
        if wait.ready():
            return strand
        if _due(wait, now) and (late is None or wait.deadline < late.wait.deadline):  # type: ignore[operator]
            late = strand
    return late


def _due(wait: Wait, now: float) -> bool:
    return bool(wait.ready()) or (wait.deadline is not None and wait.deadline <= now)


def _first_deadline(mine: Wait, pumped: list[Any]) -> float | None:
    waits = [mine]
    if len(_below) <= _DEEPEST:
        waits += [strand.wait for strand in _others]
        if pumped and (until := pumped[-1].until()) is not None:
            waits.append(Wait(_never, until, ""))
    found = [wait.deadline for wait in waits if wait.deadline is not None]
    return min(found) if found else None


_impatient = 0


def _check_patience(mine: Wait) -> None:
    """Raise `RuntimeError` where somebody below could have gone on for long.

    It cannot be let go on: what is on top of it has to return first.
    """
    global _impatient  # noqa: PLW0603 - there is one interpreter
    now = _now()
    if not any(wait is not mine and _due(wait, now) for wait in _below):
        return
    _impatient += 1
    if mine.deadline is None and not calls.outstanding():
        raise _no_end(mine)
    if _impatient > _PATIENCE:
        _impatient = 0
        raise _of_ours(
            f"the thread {current.name!r} waits again and again in a function that cannot be left"
            " here, and keeps those waiting that could go on: the sandbox has one thread"
        )


def _step(strand: Strand) -> None:
    """Let a strand run until it waits or ends."""
    global current  # noqa: PLW0603 - there is one interpreter
    before, current = current, strand
    _others.remove(strand)
    # As deep as it can go outside, on a stack of its own.
    deeper = _depth() if _below or _starting else 0
    if deeper:
        sys.setrecursionlimit(sys.getrecursionlimit() + deeper)
    if exchange is not None:
        exchange(before.ident, strand.ident)
    events = sys.modules.get("asyncio.events")
    loop = events._get_running_loop() if events else None  # type: ignore[attr-defined]
    if events is not None:
        events._set_running_loop(strand.loop)  # type: ignore[attr-defined]
    going = False
    try:
        strand.wait = strand.context.run(strand.work.send, None)  # type: ignore[union-attr]
        going = True
    except StopIteration:
        pass
    finally:
        if events is not None:
            strand.loop = events._get_running_loop()  # type: ignore[attr-defined]
            events._set_running_loop(loop)  # type: ignore[attr-defined]
        if exchange is not None:
            exchange(strand.ident, before.ident)
        current = before
        if deeper:
            sys.setrecursionlimit(max(sys.getrecursionlimit() - deeper, 100))
        if going:
            _others.append(strand)
        else:
            pauses.others.remove(strand)


def _depth() -> int:
    """Return how many functions have been called and have not returned."""
    frame: Any = sys._getframe()
    count = 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


def _no_end(mine: Wait) -> RuntimeError:
    if callable(mine.what):
        return _of_ours(mine.what())
    said = f"{_name_of_wait() or mine.what} would never end: "
    others = [f"{strand.name!r} waits for {strand.wait.what}" for strand in _others[:5]]
    if len(_below) > 1 or _starting:
        said += "what could end it waits for this thread to return, as the sandbox has one thread"
    elif others:
        said += f"no other thread can go on ({'; '.join(others)})"
    else:
        said += "the sandbox has no other threads, and there is no timeout"
    return _of_ours(said)


def _of_ours(said: str) -> RuntimeError:
    error = RuntimeError(said)
    setattr(error, pauses.OURS, True)
    return error


def _name_of_wait() -> str | None:
    """Return which function of the standard library waits here, as a program would call it."""
    frame, found = sys._getframe(1), None
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        if module.partition(".")[0] not in _WAITERS:
            break
        if not module.startswith("capsule_guest") or module == "capsule_guest.threads.locks":
            found = f"{frame.f_code.co_qualname}()"
        frame = frame.f_back  # type: ignore[assignment]
    return found


pauses.ways.update(sleep=sleep, wait=wait, finish=finish)
