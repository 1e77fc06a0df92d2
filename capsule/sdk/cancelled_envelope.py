"""What a run had printed when its `await` was cancelled: the exception has its envelope."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from capsule.envelope import refusal
from capsule.sdk.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capsule.pool.run_queue import QueuedRun

T = TypeVar("T", bound=Envelope)

_ATTRIBUTE = "envelope"
_OTHERS = (Exception, GeneratorExit, KeyboardInterrupt, SystemExit)


def cancelled_envelope(error: BaseException) -> Envelope | None:
    """Return the envelope of the run whose `await` was cancelled, by the exception that came of it.

    `error` is `asyncio.CancelledError` or `trio.Cancelled` where that is caught, the `TimeoutError`
    of `asyncio.timeout` and `asyncio.wait_for`, and whatever else was raised because of one or has
    one in it, as a group of exceptions does. The envelope is that of any run that is cancelled: its
    `error_type` is `cancelled` and `execution` has what was printed. It is one of success where the
    run was over in the same moment. None where no run of capsule's was cancelled.

    >>> import asyncio, pathlib, tempfile
    >>> from capsule import cancelled_envelope, run
    >>> text = "import time\\ndef main():\\n    print('so far', flush=True)\\n    time.sleep(1e9)"
    >>> async def main(folder):
    ...     printed = asyncio.Event()
    ...     running = asyncio.create_task(
    ...         run("slow.py", cwd=folder, on_output=lambda *_: printed.set())
    ...     )
    ...     await printed.wait()
    ...     running.cancel()
    ...     try:
    ...         await running
    ...     except asyncio.CancelledError as error:
    ...         envelope = cancelled_envelope(error)
    ...     return envelope.error.error_type, envelope.execution.stdout
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "slow.py").write_text(text)
    ...     asyncio.run(main(folder))
    ('cancelled', 'so far\\n')
    """
    for each in _behind(error):
        found = getattr(each, _ATTRIBUTE, None)
        # Errors of their own have envelopes, too: of runs that failed, and were not cancelled.
        if isinstance(found, Envelope) and not isinstance(each, _OTHERS):
            return found
    return None


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and all that it holds or came of, the nearest first."""
    coming, seen = [error], set[int]()
    for each in coming:
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            coming += each.exceptions
        if each.__cause__ is not None:
            coming.append(each.__cause__)
        elif each.__context__ is not None and not each.__suppress_context__:
            coming.append(each.__context__)


class CancelledAnswer:
    """Gives what cancels an `await` the envelope of the run that it ended. `with` it.

    A run that had not begun has one too, which says so.
    """

    def __init__(self, task: str, queued: QueuedRun) -> None:
        self._task, self._queued = task, queued
        self._envelope: Envelope | None = None

    def __repr__(self) -> str:
        return f"<CancelledAnswer of {self._task!r}>"

    def keep(self, envelope: T) -> T:
        """Take what the run came to, and return it."""
        self._envelope = envelope
        return envelope

    def __enter__(self) -> CancelledAnswer:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # What cancels is none of these, under asyncio and trio.
        if error is None or isinstance(error, _OTHERS):
            return
        envelope = self._envelope
        if envelope is None:
            said = refusal(self._task, "cancelled", "the run was cancelled before it began")
            said["execution"]["queue_ms"] = self._queued.waited_ms
            envelope = Envelope.of(said)
        # One that takes no attributes is raised as it is.
        with suppress(AttributeError):
            setattr(error, _ATTRIBUTE, envelope)
