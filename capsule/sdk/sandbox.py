"""A task that is run again and again, by processes that wait for it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from anyio import CancelScope

from capsule.errors import UsageError
from capsule.pool.pool import IDLE_SECONDS
from capsule.pool.prepared_task import Warmth, open_prepared_task
from capsule.pool.run_queue import QueuedRun, RunQueue
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.host_functions import HostFunctions
from capsule.runner.observer import NOBODY
from capsule.sdk import thread_pool
from capsule.sdk.batch import Batch, spread_out
from capsule.sdk.cancelled_envelope import CancelledAnswer
from capsule.sdk.coroutines import in_this_loop
from capsule.sdk.envelope import Envelope
from capsule.sdk.output import Printing
from capsule.sdk.record import recorder_of
from capsule.sdk.requests import call_of, source_of, with_own
from capsule.sdk.threads import in_loop, in_thread, to_its_end
from capsule.state_folder import checked_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Container,
        Iterable,
        Mapping,
        Sequence,
    )
    from typing import Any

    from capsule.policy.caller_limits import Limits, Mount
    from capsule.pool.prepared_task import PreparedTask
    from capsule.process.cancel import Cancellation
    from capsule.runner.host_functions import Approve, Functions
    from capsule.runner.observer import Observer
    from capsule.sdk.output import MapOutput, OnOutput

# How long to wait for the first process that waits: a run that comes sooner starts its own.
_READY_SECONDS = 10.0
# How many runs of one sandbox may wait for their turn, each a coroutine of some kilobytes.
MOST_WAITING = 10_000


class Sandbox:
    """Runs one task many times; `warm` processes wait for its next runs, each is used once.

    Use it in `async with`, under asyncio or trio. What the task is and may do is read when the
    block begins; the values of its variables are read for each run. `file`, `mounts`, `cwd`,
    `limits`, `untrusted`, `tools` and `approve` are those of `run`. `idle` is after how many
    seconds without a run no process waits any more. `concurrency` is how many runs of `map` go on
    at once, by default as many as there are processors. All sandboxes of a program share one bound
    on how many run (`CAPSULE_MAX_RUNNING`), by turns, and one on how many processes wait. Of the
    runs of this one, `max_waiting` may wait for their turn.

    >>> import asyncio, pathlib, tempfile
    >>> async def main(folder):
    ...     async with Sandbox("double.py", cwd=folder, warm=1) as sandbox:
    ...         first = await sandbox.run(21)
    ...         rest = [envelope.result async for envelope in sandbox.map(range(3))]
    ...     return first.result, sorted(rest)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "double.py").write_text("def main(n): return 2 * n")
    ...     asyncio.run(main(folder))
    (42, [0, 2, 4])
    """

    def __init__(  # noqa: PLR0913 - the options are the interface
        self,
        file: str | os.PathLike[str],
        *,
        warm: int = 1,
        concurrency: int | None = None,
        max_waiting: int = MOST_WAITING,
        mounts: Sequence[Mount] = (),
        cwd: str | os.PathLike[str] | None = None,
        limits: Limits | Mapping[str, object] | None = None,
        untrusted: bool = False,
        idle: float = IDLE_SECONDS,
        tools: Functions | None = None,
        approve: Approve | None = None,
    ) -> None:
        _check_count("warm", warm, 0)
        if concurrency is not None:
            _check_count("concurrency", concurrency, 1)
        _check_count("max_waiting", max_waiting, 0)
        self._file, self._cwd = file, cwd
        self._queue = RunQueue(str(file), max_waiting)
        self._shared = call_of((), None, mounts, limits, cwd=cwd, untrusted=untrusted)
        self._tools, self._approve = tools, approve
        self._warmth = Warmth(warm, idle)
        self._concurrency = concurrency
        self._prepared: PreparedTask | None = None
        self._batches: list[Batch] = []

    def __repr__(self) -> str:
        state = "closed" if self._prepared is None else repr(self._prepared.pool)
        return f"<Sandbox {str(self._file)!r} {state}>"

    async def __aenter__(self) -> Sandbox:
        """Read the task, take its snapshot where there is none, and start the processes.

        Raises `CapsuleError` when anything is wrong; nothing has run then.
        """
        if self._prepared is not None:
            raise RuntimeError("this Sandbox is open already")
        opened: list[PreparedTask] = []
        thread_pool.keep()
        try:
            await in_thread(lambda stop: self._open(stop, opened))
        except BaseException:
            # It may have been opened in the moment in which it was cancelled.
            await self._close(opened, [])
            raise
        [self._prepared] = opened
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End all processes of it, and wait until nothing of it is left."""
        prepared, self._prepared = self._prepared, None
        batches, self._batches = self._batches, []
        if prepared is not None:
            await self._close([prepared], batches)

    async def run(self, *args: Any, **kwargs: Any) -> Envelope:
        """Run the task once and return its envelope, whatever happens inside.

        The arguments are JSON values. Cancelling the await kills the sandbox;
        `capsule.cancelled_envelope` finds what it had printed.

        Raises `CapsuleError` when the host cannot run it at all, as for arguments that are no JSON,
        and `BusyError`, which is one, where it would have to wait and `max_waiting` others do.
        """
        return await self._run(prepare.Call(args, kwargs), NOBODY)

    async def call(  # noqa: PLR0913 - the options are the interface
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        limits: Limits | Mapping[str, object] | None = None,
        mounts: Sequence[Mount] = (),
        tools: Functions | None = None,
        on_output: OnOutput | None = None,
    ) -> Envelope:
        """Run the task as `run` does, with limits, mounts, functions and a callback of its own.

        An amount in `limits` (`max_fuel`, `max_ram`, `timeout`) is what this run has, in place of
        the sandbox's and of what the file says: more too, up to the ceilings of capsule.toml. Tasks
        that it calls are narrowed alone. `no_net`, `no_files`, `no_env` and `untrusted` take away
        besides what the sandbox does. `mounts` are beside the sandbox's, and in place of those at
        the same place inside. `tools` are in place of the sandbox's. `on_output(stream, text)` is
        called in this loop for what is printed. A run that differs by its timeout alone, and has no
        more of it, uses a process that waits; for others one is started.

        Raises as `run` does, and `PolicyError` for limits above a ceiling: it names both.

        >>> import asyncio, pathlib, tempfile
        >>> async def main(folder):
        ...     async with Sandbox("count.py", cwd=folder) as sandbox:
        ...         return (await sandbox.call([3], limits={"max_ram": "2GB"})).result
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "count.py").write_text("def main(n): return [n] * n")
        ...     asyncio.run(main(folder))
        [3, 3, 3]
        """
        observer = NOBODY if on_output is None else Printing(in_loop(on_output))
        call = call_of(args, kwargs, mounts, limits, cwd=self._cwd)
        own = bool(mounts) or limits is not None
        if own:
            call = with_own(self._shared, call)
        return await self._run(call, observer, tools, own_policy=own)

    def map(
        self,
        items: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int | None = None,
        skip: Container[int] = (),
        spread: bool = False,
        on_output: MapOutput | None = None,
    ) -> AsyncGenerator[Envelope]:
        """Run the task with each item as its argument; give the envelopes as the runs end.

        With `spread`, a list or tuple is the positional arguments, and a mapping the keywords.
        `envelope.index` is the place of its item, and the first argument of `on_output(index,
        stream, text)`, which is called in this loop for what is printed, before the envelope of
        that run is given. At most `concurrency` runs go on at once, and
        items are taken only when one of them is about to begin, so neither the items nor the
        results have to fit into memory. Items whose place is in `skip` are passed over: those that
        an earlier batch has done. What the host cannot run at all gives an envelope that says so.
        Who breaks off early closes it (`contextlib.aclosing`), or leaves that to the end of the
        block.

        Raises what `items` raises.
        """
        if self._prepared is None:
            raise RuntimeError("a Sandbox is used inside its `async with` block")
        at_once = concurrency if concurrency is not None else self._concurrency
        if at_once is not None:
            _check_count("concurrency", at_once, 1)

        told = None if on_output is None else in_loop(on_output)

        async def run(item: Any, index: int) -> Envelope:
            observer = NOBODY if told is None else Printing(partial(told, index))
            args, kwargs = spread_out(item) if spread else ((item,), {})
            # It takes its items only when one can begin: how many of them wait is bounded.
            call, queued = prepare.Call(args, kwargs), QueuedRun(self._queue)
            return await self._run(call, observer, queued=queued)

        batch = Batch(run, at_once, skip)
        self._batches = [earlier for earlier in self._batches if not earlier.is_over]
        self._batches.append(batch)
        return batch.results(items)

    async def _run(
        self,
        call: prepare.Call,
        observer: Observer,
        tools: Functions | None = None,
        queued: QueuedRun | None = None,
        *,
        own_policy: bool = False,
    ) -> Envelope:
        prepared = self._prepared
        if prepared is None:
            raise RuntimeError("a Sandbox is used inside its `async with` block")
        functions, given = None, self._tools if tools is None else tools
        if given:
            functions = HostFunctions(given, in_this_loop(), self._approve)
        with (
            queued or QueuedRun(self._queue, self._queue) as mine,
            CancelledAnswer(prepared.task, mine) as answer,
        ):

            def work(stop: Cancellation) -> Envelope:
                done = prepared.run(
                    call, observer, stop, functions=functions, queued=mine, own_policy=own_policy
                )
                return answer.keep(Envelope.of(done))

            return await in_thread(work, mine)

    def _open(self, stop: Cancellation, opened: list[PreparedTask]) -> None:
        home = checked_root()
        source = source_of(self._file, self._cwd, home, stop)
        prepared = open_prepared_task(
            source,
            self._shared,
            home,
            CancellableProgress(Silent(), stop),
            warmth=self._warmth,
            cancellation=stop,
            ledger=recorder_of(home),
        )
        opened.append(prepared)
        if prepared.pool is not None:
            prepared.pool.wait_until_ready(_READY_SECONDS, stop)

    async def _close(self, prepared_tasks: list[PreparedTask], batches: list[Batch]) -> None:
        """End the batches, then the prepared task, whatever is cancelled meanwhile."""
        with CancelScope(shield=True):
            async with AsyncExitStack() as owned:
                owned.callback(thread_pool.release)
                for prepared in prepared_tasks:
                    owned.push_async_callback(to_its_end, prepared.close)
                for batch in batches:
                    owned.push_async_callback(batch.close)


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"{name}={value!r}: a whole number from {least} on is needed")
