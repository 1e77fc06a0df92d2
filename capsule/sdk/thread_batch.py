"""Running a task for each item of an iterable, several at once in threads, for whoever iterates.

All that is the caller's is done in the thread that iterates: taking items, and telling what is
printed. So it need not be safe for threads.
"""

from __future__ import annotations

from collections import deque
from threading import Condition

from capsule.envelope import refusal_of
from capsule.errors import CapsuleError
from capsule.process.cancel import Cancellation
from capsule.processors import usable_processors
from capsule.sdk import thread_pool
from capsule.sdk.envelope import Envelope
from capsule.sdk.said_values import called

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Generator, Iterable, Iterator
    from typing import Any

    from capsule.sdk.output import MapOutput, OnOutput

    Run = Callable[[Any, OnOutput | None, Cancellation], Envelope]

# What is said to whoever goes on behind the end.
OVER = "the block of this SandboxSync has ended"
# How many characters of output may wait to be told: who prints more then waits.
_MOST_UNTOLD = 1 << 20


class _Ended:
    """A run that is over: its envelope, or what was raised."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._envelope: Envelope | None = None
        self._error: BaseException | None = None

    def take(self, run: Callable[[], Envelope]) -> None:
        """Do the run; it never raises."""
        try:
            self._envelope = run()
        except CapsuleError as error:
            self._envelope = Envelope.of(refusal_of(error))
        except BaseException as error:  # noqa: BLE001 - raised where the results are taken
            self._error = error

    def envelope(self) -> Envelope:
        """Return its envelope. Raises what the run raised."""
        if self._envelope is None:
            raise self._error or AssertionError
        self._envelope.index = self._index
        return self._envelope


class ThreadBatch:
    """Calls `run(request(item), told, stop)` with each item, `at_once` at a time.

    Those whose index is in `skip` are left out. `on_output` is told what is printed, None for
    nobody. `request` is called where items are taken. `close` ends what is at work.
    """

    def __init__(
        self,
        run: Run,
        at_once: int | None,
        skip: Container[int],
        on_output: MapOutput | None,
        request: Callable[[Any], Any] = lambda item: item,
    ) -> None:
        if on_output is not None:
            called("on_output", on_output)
        self._run, self._skip, self._tell, self._request = run, skip, on_output, request
        self._at_once = at_once or usable_processors()
        # All of these change under the condition only.
        self._changed = Condition()
        self._arrived: deque[_Ended | tuple[int, str, str]] = deque()
        self._untold = 0
        self._at_work: set[Cancellation] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<ThreadBatch of {len(self._at_work)} at work, {len(self._arrived)} arrived>"

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is at work, or will be."""
        return self._closed and not self._at_work

    def results(self, items: Iterable[Any]) -> Generator[Envelope]:
        """Give the envelopes in the order in which the runs end.

        When whoever iterates stops, what is at work is cancelled. Raises what `items` raises, and
        `RuntimeError` when it was closed in between.
        """
        coming: Iterator[tuple[int, Any]] = iter(enumerate(items))
        open_runs, more = 0, True
        try:
            while True:
                while more and open_runs < self._at_once:
                    found = next((each for each in coming if each[0] not in self._skip), None)
                    if found is None:
                        more = False
                    else:
                        self._begin(*found)
                        open_runs += 1
                if not open_runs and not more:
                    return
                arrived = self._next()
                if isinstance(arrived, _Ended):
                    open_runs -= 1
                    yield arrived.envelope()
                elif self._tell is not None:
                    self._tell(*arrived)
        finally:
            self.close()

    def close(self) -> None:
        """End what is at work, and wait until it is over."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            at_work = tuple(self._at_work)
        for stop in at_work:
            stop.cancel()
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work)

    def _begin(self, index: int, item: Any) -> None:
        """Have a thread run the task with an item."""
        stop, ended = Cancellation(), _Ended(index)

        wrong: CapsuleError | None = None
        try:
            request = self._request(item)
        except CapsuleError as error:
            wrong = error

        def told(stream: str, text: str) -> None:
            self._tell_later(index, stream, text)

        def once() -> Envelope:
            if wrong is not None:
                raise wrong
            return self._run(request, self._tell and told, stop)

        def work() -> None:
            with stop:
                ended.take(once)

        def over() -> None:
            with self._changed:
                self._at_work.discard(stop)
                self._arrived.append(ended)
                self._changed.notify_all()

        with self._changed:
            if self._closed:
                raise RuntimeError(OVER)
            self._at_work.add(stop)
        try:
            thread_pool.begin(work, over)
        except BaseException:
            # Nobody waits for what has not begun.
            with self._changed:
                self._at_work.discard(stop)
            raise

    def _tell_later(self, index: int, stream: str, text: str) -> None:
        """Have a text told where the results are taken, waiting while too much is untold."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._untold < _MOST_UNTOLD)
            if not self._closed:
                self._untold += len(text)
                self._arrived.append((index, stream, text))
                self._changed.notify_all()

    def _next(self) -> _Ended | tuple[int, str, str]:
        """Wait for what comes next. Raises `RuntimeError` when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._arrived)
            if self._closed:
                raise RuntimeError(OVER)
            arrived = self._arrived.popleft()
            if not isinstance(arrived, _Ended):
                self._untold -= len(arrived[2])
                self._changed.notify_all()
            return arrived
