"""A task that is run again and again, by processes that wait for it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from anyio import CancelScope

from capsule.runner.observer import NOBODY
from capsule.sdk import thread_pool
from capsule.sdk.batch import Batch
from capsule.sdk.cancelled_envelope import CancelledAnswer
from capsule.sdk.coroutines import in_this_loop
from capsule.sdk.file_contents import check_files_of
from capsule.sdk.output import Printing
from capsule.sdk.sandbox_base import SandboxBase, envelope_of
from capsule.sdk.threads import in_loop, in_thread, to_its_end

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from capsule.policy.secret_rules import SecretsSaid
    from capsule.pool.prepared_task import PreparedTask
    from capsule.pool.run_queue import QueuedRun
    from capsule.runner.host_functions import Functions
    from capsule.runner.observer import Observer
    from capsule.sdk.engine import AwaitedBatch, Engine
    from capsule.sdk.envelope import Envelope
    from capsule.sdk.file_contents import Files, FilesOf
    from capsule.sdk.output import MapOutput, OnOutput
    from capsule.sdk.sandbox_base import RunRequest


class Sandbox(SandboxBase):
    """Runs one task many times; `warm` processes wait for its next runs, each is used once.

    Use it in `async with`, under asyncio or trio. What the task is and may do is read when the
    block begins; the values of its variables are read for each run. `file`, `mounts`, `cwd`,
    `limits`, `untrusted`, `secrets`, `tools`, `approve` are those of `run`. `idle` is after how
    many seconds without a run no process waits any more. `concurrency` is how many runs of `map` go
    on at once, by default as many as there are processors. All sandboxes of a program share one
    bound on how many run (`CAPSULE_MAX_RUNNING`), by turns, and one on how many processes wait. Of
    the runs of this one, `max_waiting` may wait for their turn.

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

    _block = "async with"
    _batches: list[AwaitedBatch]

    async def __aenter__(self) -> Sandbox:
        """Read the task, take its snapshot where there is none, and start the processes.

        Raises `CapsuleError` when anything is wrong; nothing has run then.
        """
        self._check_closed()
        opened: list[PreparedTask] = []
        thread_pool.keep()
        try:
            await in_thread(lambda stop: self._open(stop, opened))
        except BaseException:
            # It may have been opened in the moment in which it was cancelled.
            await self._close(opened, [])
            raise
        self._batches, [self._prepared] = [], opened
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End all processes of it, and wait until nothing of it is left."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            await self._close([prepared], self._batches)

    async def run(self, *args: Any, **kwargs: Any) -> Envelope:
        """Run the task once and return its envelope, whatever happens inside.

        The arguments are JSON values. Cancelling the await kills the sandbox;
        `capsule.cancelled_envelope` finds what it had printed.

        Raises `CapsuleError` when the host cannot run it at all, as for arguments that are no JSON,
        and `BusyError`, which is one, where it would have to wait and `max_waiting` others do.
        """
        wait = in_this_loop()
        return await self._run(self._plain_request(args, kwargs, wait), NOBODY, self._queued_run())

    async def call(  # noqa: PLR0913 - the options are the interface
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        limits: Limits | Mapping[str, object] | None = None,
        mounts: Sequence[Mount] = (),
        secrets: SecretsSaid | None = None,
        tools: Functions | None = None,
        files: Files | None = None,
        on_output: OnOutput | None = None,
    ) -> Envelope:
        """Run the task as `run` does, with limits, mounts, secrets and functions of its own.

        An amount in `limits` (`max_fuel`, `max_ram`, `timeout`) is what this run has, in place of
        the sandbox's and of what the file says: more too, up to the ceilings of capsule.toml. Tasks
        that it calls are narrowed alone. `no_net`, `no_files`, `no_env` and `untrusted` take away
        besides what the sandbox does. `mounts` are beside the sandbox's, and in place of those at
        the same place inside; so are `secrets`, by their names: each run may have the key of
        another user. `tools` are in place of the sandbox's. `files` are put into the working folder
        of this run, by names with a path (text) or content (bytes), of 32 MB together.
        `on_output(stream, text)` is called in this loop for what is printed. A run that differs by
        its timeout and files alone, and has no more time, uses a process that waits; for others one
        is started.

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
        asked = self._own_request(
            args, kwargs, mounts, limits, secrets, tools, files, in_this_loop()
        )
        with in_loop(on_output) as told:
            observer = NOBODY if told is None else Printing(told)
            return await self._run(asked, observer, self._queued_run())

    def map(  # noqa: PLR0913 - the options are the interface
        self,
        items: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int | None = None,
        skip: Container[int] = (),
        spread: bool = False,
        files: FilesOf | None = None,
        on_output: MapOutput | None = None,
        engine: Engine | None = None,
    ) -> AsyncGenerator[Envelope]:
        """Run the task with each item as its argument; give the envelopes as the runs end.

        With `spread`, a list or tuple is the positional arguments, and a mapping the keywords.
        `envelope.index` is the place of its item, and the first argument of `on_output(index,
        stream, text)`, which is called in this loop for what is printed, before the envelope of
        that run is given. At most `concurrency` runs go on at once, and items are taken only when
        one of them is about to begin, so neither the items nor the results have to fit into memory.
        Items whose place is in `skip` are passed over: those that an earlier batch has done. What
        the host cannot run at all gives an envelope that says so. `files(item)` is called, in this
        loop, for the `files` of each run, as `call` takes them. Who breaks off early closes it
        (`contextlib.aclosing`), or leaves that to the end of the block.

        With `engine`, one of `capsule.engines`, the runs go on on its workers, at most as many as
        these have room for. The task travels there, and so do `files`; folders of this machine and
        other files, host functions and `on_output` do not. See docs/scale.md.

        Raises what `items` and `files` raise, and `EngineError` where an engine cannot go on.
        """
        self._opened()
        check_files_of(files)
        at_once = self._at_once(concurrency)
        if engine is not None:
            self._check_engine(on_output)
            return self._keep(
                engine.batch(self._batch_request(at_once, skip, spread=spread, files=files)), items
            )

        wait = in_this_loop()

        async def run(item: Any, index: int) -> Envelope:
            asked = self._item_request(item, wait, spread=spread, files=files)
            with in_loop(on_output) as told:
                observer = NOBODY if told is None else Printing(partial(told, index))
                return await self._run(asked, observer, self._queued_item())

        return self._keep(Batch(run, at_once, skip), items)

    def _keep(
        self, batch: AwaitedBatch, items: Iterable[Any] | AsyncIterable[Any]
    ) -> AsyncGenerator[Envelope]:
        """Have the end of the block end a batch, and return its results."""
        self._batches = [earlier for earlier in self._batches if not earlier.is_over]
        self._batches.append(batch)
        return batch.results(items)

    async def _run(self, asked: RunRequest, observer: Observer, queued: QueuedRun) -> Envelope:
        prepared = self._opened()
        with queued, CancelledAnswer(prepared.task, queued) as answer:
            return await in_thread(
                lambda stop: answer.keep(envelope_of(prepared, asked, observer, stop, queued)),
                queued,
            )

    async def _close(
        self, prepared_tasks: list[PreparedTask], batches: Sequence[AwaitedBatch]
    ) -> None:
        """End the batches, then the prepared task, whatever is cancelled meanwhile."""
        with CancelScope(shield=True):
            async with AsyncExitStack() as owned:
                owned.callback(thread_pool.release)
                for prepared in prepared_tasks:
                    owned.push_async_callback(to_its_end, prepared.close)
                for batch in batches:
                    owned.push_async_callback(batch.close)
