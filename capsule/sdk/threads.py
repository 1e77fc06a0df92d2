"""Running what blocks from async code, under asyncio and trio; cancelling it ends it at once.

A run is a thread's work. When whoever awaits it is cancelled, the sandbox is killed first, and the
thread's work, which ends right after, is waited for: nothing goes on behind a cancelled `await`.

The threads are our own: those of anyio go through the event loop three times before they begin,
which took as long as all that is done on the host's side of a run.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

import sniffio
from anyio import CancelScope, Event
from anyio.lowlevel import RunVar, checkpoint, checkpoint_if_cancelled

from capsule.pool import slots
from capsule.process.cancel import Cancellation
from capsule.sdk import thread_pool
from capsule.sdk.said_values import called

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capsule.pool.run_queue import QueuedRun
    from capsule.pool.slots import Slots

T = TypeVar("T")
P = ParamSpec("P")

# So many threads that begin at once leave the loop its turn.
_FEW = 8
_loop_slots: RunVar[Slots] = RunVar("capsule-runs")


async def in_thread(work: Callable[[Cancellation], T], queued: QueuedRun | None = None) -> T:
    """Call `work` in a thread and return its answer; it has to stop soon when it is cancelled.

    Raises what `work` raises, and `BusyError` where too many wait in its name. At most as many
    threads as sandboxes that may run, for each event loop: who comes later waits without a thread,
    and is served by turns with those of other names. `queued` says in whose name it waits, and
    counts how long; without it, it is in a name of its own.
    """
    await checkpoint_if_cancelled()
    threads = _threads()
    await _entered(threads, queued)
    try:
        if threads.taken > _FEW:
            # Hundreds may be begun in this step of the loop: all of them are, before the first
            # thread asks for the interpreter's lock.
            await checkpoint()
        return await _in_thread(work)
    finally:
        threads.give_back()


async def _entered(threads: Slots, queued: QueuedRun | None) -> None:
    """Have one of so many threads, when it is the turn of whoever asks."""
    if threads.take():
        return
    over = Event()

    def granted() -> None:
        # The loop may be gone, and with it whoever waited: that gives back what it was granted.
        with suppress(RuntimeError):
            over.set()

    owner = object() if queued is None else queued.owner
    if threads.ask(owner, granted):
        return
    # A thread that ends its work meanwhile goes on with this one: starting another takes long.
    thread_pool.keep()
    begin = time.monotonic()
    try:
        if queued is not None:
            queued.waits()
        await over.wait()
    except BaseException:
        threads.leave(owner, granted)
        raise
    finally:
        thread_pool.release_soon()
        if queued is not None:
            queued.wait_ended(begin)


async def to_its_end(work: Callable[[], object]) -> None:
    """Call `work` in a thread, whatever is cancelled, and however often; that is raised then.

    It begins at once, also where all threads for runs are taken.
    """
    await _in_thread(lambda _: work())


async def whatever_comes(over: Event) -> None:
    """Wait for `over` even when the task is cancelled meanwhile; raises that then.

    A shield alone keeps off what cancels a scope; a task of asyncio can be cancelled as such too,
    again and again, as at Ctrl-C.
    """
    kept: BaseException | None = None
    with CancelScope(shield=True):
        while not over.is_set():
            try:
                await over.wait()
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - raised when it is over
                kept = error
    if kept is not None:
        try:
            raise kept
        finally:
            del kept


async def _in_thread(work: Callable[[Cancellation], T]) -> T:
    over, call_soon = Event(), loop_caller()
    answer: list[T] = []
    trouble: list[BaseException] = []
    finished: SimpleQueue[None] = SimpleQueue()
    with Cancellation() as cancellation:

        def body() -> None:
            try:
                answer.append(work(cancellation))
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                trouble.append(error)

        def done() -> None:
            finished.put(None)
            # The loop may be gone, with whoever waited.
            with suppress(RuntimeError):
                call_soon(over.set)

        thread_pool.begin(body, done)
        try:
            await over.wait()
        except GeneratorExit:
            # The loop has ended, and with it all that could be awaited.
            cancellation.cancel()
            finished.get()
            raise
        except BaseException:
            cancellation.cancel()
            await whatever_comes(over)
            raise
    if trouble:
        # Without this frame, the error and its traceback would keep each other.
        try:
            raise trouble.pop()
        finally:
            del trouble
    return answer[0]


class InLoop(Generic[P]):
    """Has `tell` called in this event loop, from any thread, in order.

    What it raises is raised by `check`, and it is not called any more: an event loop can do no more
    than report it, or end.
    """

    def __init__(self, tell: Callable[P, object]) -> None:
        called("on_output", tell)
        self._tell, self._soon = tell, loop_caller()
        self._raised: Exception | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Have it called soon."""

        def do() -> None:
            if self._raised is None:
                try:
                    self._tell(*args, **kwargs)
                except Exception as error:  # noqa: BLE001 - raised by whoever awaits the run
                    self._raised = error

        self._soon(do)

    def check(self) -> None:
        """Raise what it raised."""
        if self._raised is not None:
            raise self._raised


@contextmanager
def in_loop(tell: Callable[P, object] | None) -> Iterator[InLoop[P] | None]:
    """Give what has `tell` called in this event loop, None for nobody; raise what that raised."""
    told = None if tell is None else InLoop(tell)
    yield told
    if told is not None:
        told.check()


def loop_caller() -> Callable[[Callable[[], object]], object]:
    """Return what has something called in this event loop, from any thread."""
    if sniffio.current_async_library() == "trio":
        import trio

        return trio.lowlevel.current_trio_token().run_sync_soon
    import asyncio

    return asyncio.get_running_loop().call_soon_threadsafe


def _threads() -> Slots:
    try:
        return _loop_slots.get()
    except LookupError:
        made = slots.Slots(slots.SHARED.most)
        _loop_slots.set(made)
        return made
